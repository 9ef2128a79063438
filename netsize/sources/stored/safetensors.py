"""safetensors: eight bytes with the length of the header, the header in JSON, and the tensors, one behind the other
(https://github.com/huggingface/safetensors). The header is read, and of bitsandbytes' the shapes that it stores."""

from math import prod
from pathlib import Path
from typing import Annotated, Any

import msgspec

from netsize.errors import BadModel
from netsize.facts.stored import StoredTensor
from netsize.files.reading import fit, parse_json
from netsize.sources.stored.packed import CONSTANTS, Packing

BITS = {  # of a type: how many, and what torch calls it
    "F64": (64, "float64"), "F32": (32, "float32"), "F16": (16, "float16"), "BF16": (16, "bfloat16"),
    "F8_E4M3": (8, "float8_e4m3"), "F8_E5M2": (8, "float8_e5m2"), "F8_E8M0": (8, "float8_e8m0"),
    "F6_E2M3": (6, "float6_e2m3"), "F6_E3M2": (6, "float6_e3m2"), "F4": (4, "float4"), "C64": (64, "complex64"),
    "I64": (64, "int64"), "I32": (32, "int32"), "I16": (16, "int16"), "I8": (8, "int8"),
    "U64": (64, "uint64"), "U32": (32, "uint32"), "U16": (16, "uint16"), "U8": (8, "uint8"), "BOOL": (8, "bool"),
}  # fmt: skip
LONGEST = 100_000_000  # bytes of a header, as the format itself limits it
STATE = ".quant_state.bitsandbytes__"
Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Entry(msgspec.Struct):
    """Of a header: a tensor."""

    dtype: str
    shape: tuple[Size, ...]
    data_offsets: tuple[Size, Size]  # behind the header: where it begins and ends


class _Packed(msgspec.Struct):
    """What bitsandbytes says of packed numbers."""

    shape: tuple[Size, ...]


def read(file: Path, packing: Packing) -> tuple[list[StoredTensor], tuple[str, ...]]:
    """Raises BadModel for a file that is damaged: cut off, or with a header that does not fit it; UnreadableFile."""
    header, begin = _header(file)
    length = file.stat().st_size - begin
    entries = {name: _placed(file, name, entry) for name, entry in header.items()}
    end = 0
    for name, (_, _, first, last) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if first != end:
            raise BadModel(f"{file} is damaged: its tensor {name!r} does not begin where the one before ends")
        end = last
    if end != length:
        what = f"{end - length:,} bytes are missing" if end > length else f"{length - end:,} bytes belong to no tensor"
        raise BadModel(f"{file} is damaged: {what}")
    packed = _bitsandbytes(file, begin, entries)
    tensors = [
        _stored(name, shape, BITS[kind][1], last - first, packed, packing)
        for name, (kind, shape, first, last) in entries.items()
    ]
    return tensors, ()


def _stored(
    name: str, shape: tuple[int, ...], type: str, bytes: int, packed: dict[str, Any], packing: Packing
) -> StoredTensor:
    if name in packed:
        logical = packed[name]
    elif STATE in name or (packed and name.endswith(CONSTANTS) and name.rpartition(".")[0] in packed):
        logical = None
    else:
        logical = packing.logical(name, shape, type)
    if logical is None:
        return StoredTensor(name, shape, type, 0, bytes)
    return StoredTensor(name, logical[0], logical[1], prod(logical[0]), bytes)


def _header(file: Path) -> tuple[dict[str, _Entry], int]:
    """The header, and where the tensors begin."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(LONGEST, file.stat().st_size - 8):
                raise BadModel(f"{file} is no safetensors file, or is cut off: its header would have {length:,} bytes")
            text = stream.read(length)
    except OSError as error:
        raise BadModel(f"{file} cannot be read: {error.strerror or error}") from error
    header = parse_json(text, f"{file}, header", dict[str, Any], "JSON with a table of tensors")
    header.pop("__metadata__", None)
    return fit(header, f"{file}, header", dict[str, _Entry]), 8 + length


def _placed(file: Path, name: str, entry: _Entry) -> tuple[str, tuple[int, ...], int, int]:
    """Type, shape, and where it begins and ends. Raises BadModel if these do not fit together."""
    kind, shape, (first, last) = entry.dtype, entry.shape, entry.data_offsets
    if kind not in BITS:
        raise BadModel(f"{file}: its tensor {name!r} is of a type that netsize does not know: {kind!r}")
    if 8 * (last - first) != BITS[kind][0] * prod(shape):
        raise BadModel(f"{file} is damaged: its tensor {name!r} has {last - first:,} bytes, which do not fit its shape")
    return kind, shape, first, last


def _bitsandbytes(file: Path, begin: int, entries: dict[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of what is packed, from the JSON that is stored as a tensor beside it."""
    found: dict[str, tuple[tuple[int, ...], str]] = {}
    with file.open("rb") as stream:
        for name, (_, _, first, last) in entries.items():
            packed, state, kind = name.partition(STATE)
            if state and packed in entries and last - first < 2**16:
                stream.seek(begin + first)
                shape = parse_json(stream.read(last - first), f"{file}, {name}", _Packed).shape
                found[packed] = (shape, f"4-bit ({kind})")
    return found
