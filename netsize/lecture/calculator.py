"""`netsize explain conv --in 3 --out 64 ...`: a layer from its hyperparameters alone, without a network."""

from dataclasses import dataclass

from netsize.errors import BadOption
from netsize.lecture.formulas import Convolution, Formula, Linear, Pooling, Shape, TransposedConvolution

KINDS = ("conv", "linear", "pool", "conv_transpose")
CALLED = {  # what libraries and textbooks call them
    "convolution": "conv", "conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "fc": "linear", "dense": "linear",
    "fullyconnected": "linear", "maxpool": "pool", "maxpool2d": "pool", "avgpool": "pool", "avgpool2d": "pool",
    "pooling": "pool", "deconv": "conv_transpose", "convtranspose2d": "conv_transpose",
}  # fmt: skip


def kind_of(word: str) -> str:
    """The one of KINDS that a word means, or the word itself."""
    plain = word.lower().replace("_", "").replace("-", "").replace(" ", "")
    return next((kind for kind in KINDS if plain == kind.replace("_", "")), CALLED.get(plain, word))


NEEDED = {"conv": ("in", "out", "kernel", "size"), "linear": ("in", "out"), "pool": ("kernel", "size"),
          "conv_transpose": ("in", "out", "kernel", "size")}  # fmt: skip
DIMENSIONS = 2  # of a size that is given as one number


@dataclass(frozen=True)
class Hyperparameters:
    """As they are written on the command line: 3, or 3x5 for each axis."""

    inputs: int | None = None
    outputs: int | None = None
    kernel: str | None = None
    stride: str | None = None
    padding: str | None = None
    dilation: str | None = None
    groups: int | None = None
    output_padding: str | None = None
    size: str | None = None
    ceil: bool = False


def layer(kind: str, given: Hyperparameters) -> Formula:
    """The formula of one of KINDS at batch size 1. Raises BadOption for what is missing or cannot be."""
    _check_given(kind, given)
    if kind == "linear":
        return Linear((1, _positive("in", given.inputs)), _positive("out", given.outputs))
    kernel, size = _axes(given)
    settings = {name: _each(name, getattr(given, name), len(kernel)) for name in ("stride", "padding", "dilation")}
    stride, padding, dilation = settings["stride"], settings["padding"], settings["dilation"]
    _check_positive(kernel=kernel, size=size, stride=stride or kernel, dilation=dilation)
    if kind == "pool":
        found: Formula = Pooling(
            (1, _positive("in", given.inputs or 1), *size), kernel, stride or kernel, padding, dilation, given.ceil
        )
        if any(2 * p > k for p, k in zip(padding, kernel)):
            raise BadOption(f"--padding {given.padding}: a pool is padded by half of its kernel at most")
    else:
        found = _convolution(kind, given, kernel, size, stride or (1,) * len(kernel), padding, dilation)
    _check_output(found, given)
    return found


def _convolution(
    kind: str, given: Hyperparameters, kernel: Shape, size: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Formula:
    inputs, outputs = _positive("in", given.inputs), _positive("out", given.outputs)
    groups = _positive("groups", 1 if given.groups is None else given.groups)
    if inputs % groups or outputs % groups:
        raise BadOption(f"--groups {groups}: it must divide the {inputs} input and the {outputs} output channels")
    shape = (1, inputs, *size)
    if kind == "conv":
        if given.output_padding:
            raise BadOption("--output-padding belongs to conv_transpose")
        after = None
        if given.padding == "same":
            if set(stride) != {1}:
                raise BadOption("--padding same needs a stride of 1")
            whole = [d * (k - 1) for d, k in zip(dilation, kernel)]
            padding, after = tuple(n // 2 for n in whole), tuple(n - n // 2 for n in whole)
        return Convolution(
            shape, outputs, kernel, stride, padding, dilation, groups, None if after == padding else after
        )
    extra = _each("output_padding", given.output_padding, len(kernel))
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise BadOption(f"--output-padding {given.output_padding}: it must be smaller than the stride or the dilation")
    return TransposedConvolution(shape, outputs, kernel, stride, padding, dilation, groups, extra)


def _check_given(kind: str, given: Hyperparameters) -> None:
    names = {"in": given.inputs, "out": given.outputs, "kernel": given.kernel, "size": given.size}
    missing = [f"--{name}" for name in NEEDED[kind] if names[name] is None]
    if missing:
        example = {"linear": "linear --in 9216 --out 4096", "pool": "pool --kernel 2 --stride 2 --size 224"}
        usual = f"{kind} --in 3 --out 64 --kernel 11 --stride 4 --padding 2 --size 224"
        raise BadOption(
            f"explain {kind} lacks {' and '.join(missing)}; for example: explain {example.get(kind, usual)}"
        )
    useless = {"linear": ("kernel", "stride", "padding", "dilation", "groups", "output_padding", "size"),
               "pool": ("outputs", "groups", "output_padding")}.get(kind, ())  # fmt: skip
    for name in useless:
        if getattr(given, name) is not None:
            option = {"outputs": "out"}.get(name, name.replace("_", "-"))
            raise BadOption(f"explain {kind} takes no --{option}")


def _axes(given: Hyperparameters) -> tuple[Shape, Shape]:
    """Kernel and size, with as many axes as either of them is given with; two, if both are one number."""
    kernel, size = _numbers("kernel", given.kernel or ""), _numbers("size", given.size or "")
    if len(size) == 3 and len(kernel) == 1 and size[0] == given.inputs:  # three axes have a kernel with three
        raise BadOption(
            f"--size {given.size}: a size is that of a map, without its {size[0]} channels: "
            f"--size {size[1]}x{size[2]} (in three dimensions, say --kernel {kernel[0]}x{kernel[0]}x{kernel[0]})"
        )
    axes = max(len(kernel), len(size))
    axes = DIMENSIONS if axes == 1 else axes
    return _spread("kernel", kernel, axes), _spread("size", size, axes)


def _each(name: str, text: str | None, axes: int) -> Shape:
    """The setting along each axis; of a stride that is not given, nothing."""
    if text is None or text == "same":
        return {"stride": (), "dilation": (1,) * axes}.get(name, (0,) * axes)
    return _spread(name, _numbers(name, text), axes)


def _spread(name: str, numbers: Shape, axes: int) -> Shape:
    if len(numbers) not in (1, axes):
        raise BadOption(f"--{name} {'x'.join(map(str, numbers))}: there are {axes} axes")
    return numbers * axes if len(numbers) == 1 else numbers


def _numbers(name: str, text: str) -> Shape:
    try:
        numbers = tuple(int(part) for part in text.split("x"))
    except ValueError:
        raise BadOption(f"--{name.replace('_', '-')} {text}: expected a number, or 3x5 for each axis") from None
    if min(numbers) < 0 or max(numbers) >= 2**40 or len(numbers) > 3:
        raise BadOption(f"--{name.replace('_', '-')} {text}: expected up to three numbers that are not negative")
    return numbers


def _positive(name: str, number: int | None) -> int:
    if number is None or number < 1:
        raise BadOption(f"--{name} {number}: at least 1")
    return number


def _check_positive(**settings: Shape) -> None:
    for name, numbers in settings.items():
        if min(numbers) < 1:
            raise BadOption(f"--{name} {'x'.join(map(str, numbers))}: at least 1")


def _check_output(found: Formula, given: Hyperparameters) -> None:
    if min(found.output) < 1:
        padded = f"{given.size} + 2*{given.padding or 0}"
        raise BadOption(
            f"--kernel {given.kernel}: nothing comes out: it is larger than the padded input ({padded})"
            if not isinstance(found, TransposedConvolution)
            else f"--padding {given.padding}: it crops all of the output"
        )
