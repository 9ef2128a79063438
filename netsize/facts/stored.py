"""What a file of weights holds: names, shapes, types and bytes. No torch in here."""

from dataclasses import dataclass

from netsize.lecture.formulas import Shape


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as it is stored. `shape` and `weights` are logical: of packed types the numbers that they stand for;
    `weights` is 0 for what belongs to the packing (scales, zero points), and for one that was stored before."""

    name: str
    shape: Shape
    type: str
    weights: int
    bytes: int


@dataclass(frozen=True)
class Stored:
    """Files of weights: all tensors; `other_bytes` are headers, padding and whatever else is in the files."""

    model: str
    format: str
    tensors: tuple[StoredTensor, ...]
    file_bytes: int
    files: int = 1
    notes: tuple[str, ...] = ()

    @property
    def weights(self) -> int:
        return sum(tensor.weights for tensor in self.tensors)

    @property
    def bytes(self) -> int:
        return sum(tensor.bytes for tensor in self.tensors)

    @property
    def other_bytes(self) -> int:
        return self.file_bytes - self.bytes
