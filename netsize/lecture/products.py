"""The formulas of products: of matrices, of a batch of them, of sparse ones, and of pairs.

A unit is one element of the result; its fan-in is the axis that is summed over. Source: the lecture's fully connected
layer (M N connections), once for each matrix.
"""

from dataclasses import dataclass
from math import prod

from netsize.lecture.formulas import Formula, Shape, by


@dataclass(frozen=True)
class Bilinear(Formula):
    """y_o = sum over i, j of x_i W_oij z_j: a unit is connected to every pair of its inputs.

    `input` is (..., I), `second` the number J of features of the other input.
    """

    input: Shape
    second: int
    out_features: int
    kind = "bilinear"

    @property
    def output(self) -> Shape:
        return (*self.input[:-1], self.out_features)

    @property
    def fan_in(self) -> int:
        return self.input[-1] * self.second

    @property
    def weights(self) -> int:
        return self.fan_in * self.out_features

    @property
    def biases(self) -> int:
        return self.out_features

    @property
    def label(self) -> str:
        return f"bilinear {self.input[-1]} x {self.second} -> {self.out_features}"


@dataclass(frozen=True)
class Product(Formula):
    """A product (rows x inner) (inner x columns), once for each matrix of `batch`: M N for each matrix.

    A unit is one element of the result and sums over `inner`. A missing axis (a vector) is None: mv has
    no columns, dot has neither. `weighted` says which operand holds parameters: "left", "right", "both",
    or "" (activations times activations: attention scores have the head size as fan-in, attended values
    the number of keys). A radial basis function unit compares instead of multiplying (kind "distance").
    """

    batch: Shape
    rows: int | None
    inner: int
    columns: int | None
    weighted: str = ""
    kind: str = "matmul"
    matrices: int = 1  # of the batch that have biases of their own

    @property
    def output(self) -> Shape:
        return (*self.batch, *(n for n in (self.rows, self.columns) if n is not None))

    @property
    def fan_in(self) -> int:
        return self.inner

    @property
    def weights(self) -> int:
        operand = prod(self.batch) * self.inner
        left, right = operand * (self.rows or 1), operand * (self.columns or 1)
        return {"": 0, "left": left, "right": right, "both": left + right}[self.weighted]

    @property
    def biases(self) -> int:
        return self.matrices * self._features

    @property
    def _features(self) -> int:
        return (self.rows if self.weighted == "left" else self.columns) or 1

    @property
    def label(self) -> str:
        times = f"{prod(self.batch)} x " if prod(self.batch) > 1 else ""
        if self.weighted in ("left", "right"):
            return f"{self.kind} {times}{self.inner} -> {self._features}"
        return f"{self.kind} {times}{self.rows or 1}x{self.inner} @ {self.inner}x{self.columns or 1}"


@dataclass(frozen=True)
class Outer(Formula):
    """A product over an inner axis of 1: every unit has one input and one weight. `left` and `right` are the shapes of
    the operands, broadcast to each other; `weighted` is as for Product."""

    left: Shape
    right: Shape
    weighted: str = ""
    kind: str = "matmul"

    @property
    def output(self) -> Shape:
        axes = max(len(self.left), len(self.right))
        left, right = ((1,) * (axes - len(shape)) + shape for shape in (self.left, self.right))
        return tuple(n if m == 1 else m for n, m in zip(left, right))

    @property
    def fan_in(self) -> int:
        return 1

    @property
    def weights(self) -> int:
        left, right = prod(self.left), prod(self.right)
        return {"": 0, "left": left, "right": right, "both": left + right}[self.weighted]

    @property
    def biases(self) -> int:
        return self.weights if self.weighted in ("left", "right") else 0

    @property
    def label(self) -> str:
        return f"{self.kind} {by(self.left)} * {by(self.right)}"


@dataclass(frozen=True)
class SparseProduct(Formula):
    """A product (rows x inner) (inner x columns) with a sparse operand: only what it stores is multiplied. Each of its
    `entries` meets every column of the other operand (or every row, if the right one is `sparse`), and nothing else
    does: entries x columns connections. Fan-in differs from unit to unit. `batch` and `weighted` are as for Product; a
    block that is stored is stored whole."""

    batch: Shape
    rows: int | None
    inner: int
    columns: int | None
    entries: int  # of all matrices of the batch together
    sparse: str = "left"
    weighted: str = ""
    kind: str = "matmul"

    @property
    def output(self) -> Shape:
        return (*self.batch, *(n for n in (self.rows, self.columns) if n is not None))

    @property
    def fan_in(self) -> None:
        return None

    @property
    def _across(self) -> int:
        """How often each entry is used."""
        return (self.columns if self.sparse == "left" else self.rows) or 1

    @property
    def connections(self) -> int:
        return self.entries * self._across

    @property
    def weights(self) -> int:
        dense = prod(self.batch) * self.inner * self._across
        of_sparse = self.entries if self.weighted in (self.sparse, "both") else 0
        return of_sparse + (dense if self.weighted not in ("", self.sparse) else 0)

    @property
    def biases(self) -> int:
        return (self.rows if self.weighted == "left" else self.columns) or 1

    @property
    def label(self) -> str:
        left, right = f"{self.rows or 1}x{self.inner}", f"{self.inner}x{self.columns or 1}"
        told = f"sparse ({self.entries} entries)"
        left, right = (f"{told} {left}", right) if self.sparse == "left" else (left, f"{told} {right}")
        return f"{self.kind} {left} @ {right}"


@dataclass(frozen=True)
class GroupedProduct(Formula):
    """Products of several groups, each with a matrix of its own: a mixture of experts (Shazeer et al. 2017). The rows
    of a matrix (rows x inner) are shared among `groups` matrices (inner x columns), and each row goes through one of
    them: rows x inner x columns connections, whatever the number of groups, and the weights of all groups.

    `split` is the axis that is shared: "rows"; "columns" (the matrices stand on the left); or "inner", where each
    group has a product of its own, of the rows and columns that lie in it: the gradients of experts. `used` is how
    much of that axis belongs to a group: nothing else is multiplied. `weighted` is as for Product.
    """

    rows: int
    inner: int
    columns: int
    groups: int
    split: str = "rows"
    used: int = 0
    weighted: str = ""
    kind: str = "experts"

    @property
    def output(self) -> Shape:
        return (*((self.groups,) if self.split == "inner" else ()), self.rows, self.columns)

    @property
    def units(self) -> int:
        return prod({"rows": (self.used, self.columns), "columns": (self.rows, self.used)}.get(self.split, self.output))

    @property
    def fan_in(self) -> int | None:
        return None if self.split == "inner" else self.inner

    @property
    def connections(self) -> int:
        return prod(self.used if axis == self.split else getattr(self, axis) for axis in ("rows", "inner", "columns"))

    @property
    def weights(self) -> int:
        left = self.rows * self.inner * (self.groups if self.split == "columns" else 1)
        right = self.inner * self.columns * (self.groups if self.split == "rows" else 1)
        return {"": 0, "left": left, "right": right, "both": left + right}[self.weighted]

    @property
    def biases(self) -> int:
        """Of each expert, one for each of its units."""
        return self.groups * (self.rows if self.split == "columns" else self.columns)

    @property
    def label(self) -> str:
        if self.weighted in ("left", "right") and self.split != "inner":
            return (
                f"{self.kind} {self.groups} x {self.inner} -> {self.rows if self.split == 'columns' else self.columns}"
            )
        return f"{self.kind} {self.rows}x{self.inner} @ {self.inner}x{self.columns} in {self.groups} groups"


@dataclass(frozen=True)
class Custom(Formula):
    """An operation of somebody's own, whose fan-in they say (`netsize.formula`): units * fan_in connections, and the
    parameters that it was given as weights."""

    name: str
    output: Shape = ()
    fan_in: int = 0
    weights: int = 0
    biases: int = 0
    kind: str = "custom"

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"
