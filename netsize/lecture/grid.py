"""Windows on a grid: which elements of a map each window of a convolution or a pool covers, for small pictures; and,
with values, what comes out, step by step."""

from dataclasses import dataclass, replace
from pathlib import Path

from netsize.errors import BadOption
from netsize.lecture.formulas import Convolution, Formula, Pooling, Shape, TransposedConvolution

MOST = 40  # rows and columns of a matrix that is read
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Grid:
    """All sizes are of rows and columns. Windows slide over a map of `size`, which `before` and `after` pad; of a
    transposed convolution it is the output, on which each input has a window. `places`: of the windows. `each`: pairs
    of channels for which every element and window that meet are a connection."""

    size: Shape
    before: Shape
    after: Shape
    kernel: Shape
    stride: Shape
    dilation: Shape
    places: Shape
    transposed: bool = False
    each: int = 1
    input: Matrix = ()
    weights: Matrix = ()

    def taps(self, axis: int, place: int) -> list[int]:
        """What the window at a place covers along an axis; below 0 and beyond the size is padding."""
        first = place * self.stride[axis] - self.before[axis]
        return [first + tap * self.dilation[axis] for tap in range(self.kernel[axis])]

    def covered(self) -> list[list[int]]:
        """How many windows cover each element of the map."""
        along = []
        for axis in (0, 1):
            counts = [0] * self.size[axis]
            for place in range(self.places[axis]):
                for at in self.taps(axis, place):
                    if 0 <= at < self.size[axis]:
                        counts[at] += 1
            along.append(counts)
        return [[row * column for column in along[1]] for row in along[0]]

    @property
    def pairs(self) -> int:
        """Elements and windows that meet, without padding."""
        return sum(map(sum, self.covered()))

    def terms(self, row: int, column: int) -> list[tuple[float, float]]:
        """Of a window: the element under each weight, and the weight; zeros in the padding."""
        found = []
        for i, y in enumerate(self.taps(0, row)):
            for j, x in enumerate(self.taps(1, column)):
                inside = 0 <= y < self.size[0] and 0 <= x < self.size[1]
                found.append((self.input[y][x] if inside else 0.0, self.weights[i][j]))
        return found

    def output(self) -> Matrix:
        """What comes out of the values: sums of products."""
        return tuple(
            tuple(sum(value * weight for value, weight in self.terms(row, column)) for column in range(self.places[1]))
            for row in range(self.places[0])
        )


def grid_of(formula: Formula) -> Grid:
    """Raises BadOption for what has no windows of one or two axes."""
    if isinstance(formula, TransposedConvolution):
        size, places, each = formula.output[2:], formula.input[2:], formula.input[1] * formula.out_channels
        before = after = formula.padding
        each //= formula.groups
    elif isinstance(formula, Convolution):
        size, places = formula.input[2:], formula.output[2:]
        before, after = formula.padding, formula.after or formula.padding
        each = formula.input[1] // formula.groups * formula.out_channels
    elif isinstance(formula, Pooling) and formula.kernel:
        axes = len(formula.kernel)
        size, places = formula.input[-axes:], formula.output[-axes:]
        each = formula.input[-axes - 1] if len(formula.input) > axes else 1
        before = after = formula.padding
    else:
        raise BadOption(f"--draw: {formula.label} has no windows that slide")
    if len(size) > 2:
        raise BadOption(f"--draw: {formula.label} has windows of three axes; one or two can be drawn")
    stride = formula.stride or formula.kernel

    def of_two(along: Shape, fill: int) -> Shape:
        return (fill, *along) if len(along) == 1 else tuple(along)

    return Grid(
        of_two(size, 1), of_two(before, 0), of_two(after, 0), of_two(formula.kernel, 1), of_two(stride, 1),
        of_two(formula.dilation, 1), of_two(places, 1), isinstance(formula, TransposedConvolution), each,
    )  # fmt: skip


def read_values(file: Path) -> tuple[Matrix, Matrix]:
    """An input and a kernel: rows of numbers, and an empty line between the two. Raises BadOption."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"--values {file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    blocks: list[list[tuple[float, ...]]] = [[]]
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            blocks.append([])
            continue
        try:
            row = tuple(float(word) for word in line.replace(",", " ").replace(";", " ").split())
        except ValueError:
            raise BadOption(f"--values {file}, line {number}: {line.strip()[:60]!r} are no numbers") from None
        if blocks[-1] and len(row) != len(blocks[-1][0]):
            raise BadOption(f"--values {file}, line {number}: {len(row)} numbers behind rows of {len(blocks[-1][0])}")
        blocks[-1].append(row)
    matrices = [tuple(block) for block in blocks if block]
    if len(matrices) != 2:
        raise BadOption(f"--values {file}: expected an input and a kernel, with an empty line between them")
    if any(max(len(matrix), len(matrix[0])) > MOST for matrix in matrices):
        raise BadOption(f"--values {file}: at most {MOST} rows and columns")
    return matrices[0], matrices[1]


def with_values(grid: Grid, input: Matrix, weights: Matrix) -> Grid:
    return replace(grid, input=input, weights=weights)


def plain(number: float) -> str:
    """300 of 300.0"""
    return f"{number:g}"
