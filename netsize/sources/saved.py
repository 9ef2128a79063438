"""A report that was saved: counts, and no network."""

from netsize.errors import BadOption
from netsize.sources.settings import Settings


def load(model: str, settings: Settings) -> None:
    """What every other source does. Raises BadOption: there is no network here."""
    raise BadOption(f"{model} is a saved report, and no network. `netsize {model}` shows it, diff and compare take it")
