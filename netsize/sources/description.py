"""The config.json of transformers and diffusers: what network it describes."""

from pathlib import Path
from typing import Any

import msgspec

from netsize.errors import BadModel
from netsize.files.reading import fit, read_json


class _Named(msgspec.Struct):
    """What says which network it is; all the rest goes to the library as it stands."""

    class_name: str | None = msgspec.field(default=None, name="_class_name")
    model_type: str | None = None
    architectures: list[str] | None = None
    quantization_config: dict[str, Any] | None = None


def config_file(model: str) -> Path | None:
    """The description that a MODEL is, or that lies in it; None for a name."""
    path = Path(model)
    return path / "config.json" if path.is_dir() else path if path.suffix == ".json" else None


def read_config(file: Path) -> dict[str, Any]:
    """Of a saved report as well. Raises BadModel if it is no description of a network, UnreadableFile."""
    found: dict[str, Any] = read_json(file, dict[str, Any], infinite=True)
    if "schema" in found:
        return found
    named = fit(found, str(file), _Named)
    if not (named.class_name or named.model_type or named.architectures):
        raise BadModel(f"{file} describes no network: neither model_type nor architectures (transformers) is in it, "
                       "nor _class_name (diffusers)")  # fmt: skip
    return found
