"""Results that show themselves, and know nothing of tables: how each of them is shown, `netsize.render` registers
here."""

import importlib
import io
from collections.abc import Callable
from typing import Any

_WAYS: dict[str, Callable[..., Any]] = {}
_modules: list[str] = []


def shown_by(module: str) -> None:
    """Name a module that registers ways when it is imported: as soon as a result is shown."""
    _modules.append(module)


def register(**ways: Callable[..., Any]) -> None:
    """Say how results are shown: in each format, as HTML for a `notebook`, as flat `numbers`. A way takes the result
    first. Raises TypeError for a result that it does not know."""
    _WAYS.update(ways)


def shown(result: "Shown", way: str, *arguments: Any) -> Any:
    """A result in one of the ways that are registered. Raises TypeError if it is not."""
    for module in _modules:
        importlib.import_module(module)
    if way not in _WAYS:
        raise TypeError(f"nobody has registered how to show a {type(result).__name__} as {way}: netsize.render does it")
    return _WAYS[way](result, *arguments)


class Shown:
    """A result: print it, look at it in a notebook, or take it in one of the formats that `netsize --format` has."""

    def __str__(self) -> str:
        return str(shown(self, "table"))

    def to_json(self) -> str:
        """The result as JSON, with the number of its schema."""
        return str(shown(self, "json"))

    def to_csv(self) -> str:
        """A line for each row, numbers without separators."""
        return str(shown(self, "csv"))

    def to_markdown(self) -> str:
        """Tables, and what is said below them."""
        return str(shown(self, "markdown"))

    def to_latex(self) -> str:
        r"""Tables; they need \usepackage{booktabs}."""
        return str(shown(self, "latex"))

    def to_html(self) -> str:
        """One file with pictures that can be asked, which loads nothing."""
        return str(shown(self, "html"))

    def to_svg(self) -> str:
        """The pictures, static."""
        return str(shown(self, "svg"))

    def to_dataframe(self) -> Any:
        """The lines of `to_csv`, as a pandas.DataFrame. Raises ImportError without pandas, which nothing else needs."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError as error:
            raise ImportError("to_dataframe() needs pandas: pip install pandas; to_csv() needs nothing") from error
        return pandas.read_csv(io.StringIO(self.to_csv()))

    def log_dict(self) -> dict[str, int | float]:
        """Flat numbers by name, as TensorBoard, MLflow and Weights & Biases take them: units, layers/conv1/units."""
        numbers: dict[str, int | float] = shown(self, "numbers")
        return numbers

    def _repr_html_(self) -> str:
        """For notebooks."""
        return str(shown(self, "notebook"))
