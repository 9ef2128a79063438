"""What torch.save has written: tensors by name, in dictionaries and lists. torch unpickles nothing else
(`weights_only`). Files as it has written them since 1.6 are mapped, not read."""

import re
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import torch

from netsize.errors import BadModel, describe
from netsize.facts.stored import StoredTensor
from netsize.sources.factory import quiet
from netsize.sources.stored.packed import Packing


def read(file: Path, packing: Packing) -> tuple[list[StoredTensor], tuple[str, ...]]:
    """Raises BadModel for a file that is damaged, or that holds more than tensors, numbers and texts."""
    try:
        with quiet():
            content = torch.load(file, map_location="cpu", weights_only=True, mmap=is_zipfile(file))
    except UnpicklingError as error:
        raise _refused(file, error) from error
    except Exception as error:  # of torch's reader, on whatever a file holds
        raise BadModel(f"{file} is no file of torch.save, or is damaged: {describe(error)}") from error
    seen: dict[int, str] = {}
    tensors, shared = [], []
    for name, tensor in _tensors("", content):
        storage = tensor.untyped_storage()
        first = seen.setdefault(storage._cdata, name)
        if first != name:
            shared.append(f"{name} is stored as part of {first}")
        stored, weights = (storage.nbytes(), tensor.numel()) if first == name else (0, 0)
        kind = str(tensor.dtype).removeprefix("torch.")
        tensors.append(StoredTensor(name, tuple(tensor.shape), kind, weights, stored))
    if not tensors:
        raise BadModel(f"{file} holds no tensors")
    return tensors, tuple(shared)


def _tensors(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """state_dict()'s and those inside of other things: {"model": {...}, "optimizer": {...}}."""
    if isinstance(value, torch.Tensor):
        yield name or "(tensor)", value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in items:
        yield from _tensors(f"{name}.{key}" if name else str(key), item)


def _refused(file: Path, error: UnpicklingError) -> BadModel:
    """torch names the class that it will not make, or says what it cannot read."""
    text = str(error)
    named = re.search(r"GLOBAL (\S+)", text)
    if named:
        return BadModel(
            f"{file} holds more than weights ({named[1]}), which reading would run: it is not read.\n"
            "Save the network's state_dict() instead, or count its class: net.py:Net"
        )
    reason = re.search(r"WeightsUnpickler error:\s*(.+)", text)
    return BadModel(f"{file} is no file of torch.save, or is damaged: {reason[1] if reason else describe(error)}")
