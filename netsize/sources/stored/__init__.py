"""Weights in files: .safetensors (one, or several with an index), .gguf, and what torch.save has written. Only headers
are read, and nothing is unpickled that could run. A file for each format: `read(path) -> (tensors, notes)`."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from netsize.errors import BadModel, BadOption
from netsize.facts.stored import Stored, StoredTensor
from netsize.files.reading import read_json
from netsize.sources.settings import Settings
from netsize.sources.stored.packed import Packing, packing_beside


class _Index(msgspec.Struct):
    weight_map: dict[str, str]  # the file of each tensor


READERS = {".safetensors": "safetensors", ".gguf": "gguf"}  # all others are of torch.save


def read(model: str) -> Stored:
    """Raises BadModel for a file that is damaged, or that holds more than weights."""
    path = Path(model)
    files = _shards(path) if path.name.endswith(".index.json") else [path]
    tensors: list[StoredTensor] = []
    notes: dict[str, None] = {}
    packing = packing_beside(files[0])
    for file in files:
        found, said = _reader(file)(file, packing)
        tensors += found
        notes |= dict.fromkeys(said)
    size = sum(file.stat().st_size for file in files)
    return Stored(model, files[0].suffix.lower().lstrip("."), tuple(tensors), size, len(files), tuple(notes))


def _reader(file: Path) -> Callable[[Path, Packing], tuple[list[StoredTensor], tuple[str, ...]]]:
    name = READERS.get(file.suffix.lower(), "pickled")
    read: Callable[[Path, Packing], Any] = importlib.import_module(f"netsize.sources.stored.{name}").read
    return read


def _shards(index: Path) -> list[Path]:
    """The files that an index names. Raises BadModel if one is missing, UnreadableFile."""
    named = sorted(set(read_json(index, _Index, "index of weights").weight_map.values()))
    shards = [index.parent / file for file in named]
    missing = [shard.name for shard in shards if shard.parent != index.parent or not shard.is_file()]
    if missing or not shards:
        raise BadModel(f"{index}: {len(missing)} of its {len(shards)} files are missing: {', '.join(missing[:3])}")
    return shards


def load(model: str, settings: Settings) -> None:
    """What every other source does. Raises BadOption: there is no network here."""
    raise BadOption(
        f"{model} holds weights only: connections and units need the network. `netsize {model}` shows its tensors"
    )


__all__ = ["Packing", "load", "read"]
