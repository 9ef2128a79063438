"""Fake tensors are made as torch's own are, however the arguments lie in memory."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from netsize.run.fake_tensors import without_values
from netsize.run.shapes import _made_before

aten = torch.ops.aten
TEXT, IMAGES = (2, 5, 8), (2, 4, 6, 8)


def _new(x: torch.Tensor, *size: int) -> torch.Tensor:
    return torch.empty(size, dtype=x.dtype, device=x.device)


def _places(x: torch.Tensor, *size: int) -> torch.Tensor:
    return _new(x, *size).long()


def _convolved(x: torch.Tensor, kernel: tuple[int, ...], transposed: bool = False, groups: int = 1) -> Any:
    axes = x.dim() - 2
    weight = _new(x, *kernel)
    return aten.convolution(
        x, weight, None, [1] * axes, [1] * axes, [1] * axes, transposed, [0] * axes, groups
    )  # fmt: skip


CASES: dict[str, tuple[tuple[int, ...], Callable[[torch.Tensor], Any]]] = {
    "cat": (IMAGES, lambda x: (aten.cat([x, x], 1), aten.cat([_new(x, *IMAGES), x], 2), aten.cat([x], 1))),
    "stack": (TEXT, lambda x: aten.stack([x, x], 1)),
    "index": (IMAGES, lambda x: (x[:, _places(x, 7)], x[_places(x, 3, 7)], x.index_select(1, _places(x, 3)))),
    "two indices": (IMAGES, lambda x: (x[:, _places(x, 7), _places(x, 7)], x[_places(x, 7), :, _places(x, 7)])),
    "reduced": (IMAGES, lambda x: (x.amax(3), x.mean((2, 3), True), x.sum(2), x.max(1), x.argmax(-1), x.std(1))),
    "sorted": (IMAGES, lambda x: (x.sort(), x.topk(2), x.cumsum(1), x.cummax(1), x.amin(1))),
    "softmax": (IMAGES, lambda x: (x.softmax(-1), x.softmax(1), x.log_softmax(2))),
    "layer norm": (IMAGES, lambda x: aten.native_layer_norm(x, [8], _new(x, 8), _new(x, 8), 1e-5)),
    "root mean square": (TEXT, lambda x: nn.functional.rms_norm(x, [8])),
    "group norm": (IMAGES, lambda x: aten.native_group_norm(x, _new(x, 4), _new(x, 4), 2, 4, 48, 2, 1e-5)),
    "batch norm": (IMAGES, lambda x: aten.native_batch_norm(x, *[_new(x, 4)] * 4, False, 0.1, 1e-5)),
    "batch norm of this batch": (IMAGES, lambda x: aten.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)),
    "convolution": (IMAGES, lambda x: _convolved(x, (6, 4, 3, 3))),
    "convolution of text": (TEXT, lambda x: _convolved(x, (6, 5, 3))),
    "depthwise": (IMAGES, lambda x: _convolved(x, (4, 1, 3, 3), groups=4)),
    "pointwise": (IMAGES, lambda x: _convolved(x, (9, 4, 1, 1))),
    "transposed": (IMAGES, lambda x: _convolved(x, (4, 6, 3, 3), transposed=True)),
    "convolution of videos": ((2, 3, 4, 4, 4), lambda x: _convolved(x, (6, 3, 3, 3, 3))),
    "pools": (IMAGES, lambda x: (nn.MaxPool2d(2)(x), nn.AvgPool2d(2)(x), nn.AdaptiveAvgPool2d((3, 2))(x),
                                 nn.AdaptiveAvgPool2d(1)(x), nn.AdaptiveMaxPool2d(2)(x))),
    "resampled": (IMAGES, lambda x: [nn.functional.interpolate(x, (12, 16), mode=m) for m in ("nearest", "bilinear")]),
    "copied": (IMAGES, lambda x: (x.clone(), x.contiguous(), x.double(), torch.zeros_like(x), x.repeat(2, 1, 1, 1))),
    "written": (IMAGES, lambda x: (x.clone().copy_(x), x.clone().fill_(torch.tensor(1)), x.clone().zero_())),
    "moved": (IMAGES, lambda x: (x.t_() if x.dim() == 2 else x.transpose_(1, 2), x.unsqueeze_(0), x, x.squeeze_(0), x)),
    "padded": (IMAGES, lambda x: (nn.functional.pad(x, (1, 1)), nn.functional.pad(x, (1, 1, 1, 1), "reflect"))),
    "rolled": (IMAGES, lambda x: (x.roll(1, 2), x.flip(1), x.tile(2))),
    "shuffled": (IMAGES, lambda x: (nn.PixelShuffle(2)(x), nn.PixelUnshuffle(2)(x))),
    "attention": (IMAGES, lambda x: nn.functional.scaled_dot_product_attention(x, x, x)),
    "products": (TEXT, lambda x: (x @ _new(x, 8, 3), x @ _new(x, 2, 8, 3), nn.functional.linear(x, _new(x, 3, 8)))),
    "elementwise": (IMAGES, lambda x: (x.relu(), x + x.mean(), x * _new(x, 8), nn.functional.gelu(x), x.exp_())),
    "unfolded": (IMAGES, lambda x: (nn.Unfold(2)(x), nn.functional.glu(x, 1), x.var_mean(3, keepdim=True))),
    "embedded": (TEXT, lambda x: nn.functional.embedding(_places(x, 4), x[0])),
}  # fmt: skip


def _layouts(size: tuple[int, ...]) -> Iterator[tuple[str, Callable[..., torch.Tensor]]]:
    """Axes in several orders in memory; a part of a larger tensor; one that is the same all along an axis."""
    first, *inner, last_axis = range(len(size))
    rotated = [(*inner[n:], last_axis, *inner[:n]) for n in range(len(size) - 1)]
    for order in [(first, *others) for others in rotated] + [(last_axis, *inner, first), (*inner, first, last_axis)]:
        back = [order.index(axis) for axis in range(len(size))]
        ordered = [size[axis] for axis in order]
        yield str(order), lambda ordered=ordered, back=back, **where: torch.empty(ordered, **where).permute(back)
    twice, half, last = [2 * n for n in size], tuple(slice(0, n) for n in size), torch.channels_last
    yield "a part", lambda **where: torch.empty(twice, **where)[half]
    if len(size) == 4:
        yield "its channels last", lambda **where: torch.empty(twice, **where).to(memory_format=last)[half]
    yield "repeated", lambda **where: torch.empty((1, *size[1:]), **where).expand(size)
    yield "repeated within", lambda **where: torch.empty((*size[:-1], 1), **where).expand(size)


def _seen(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return (tuple(value.shape), value.stride(), value.storage_offset(), value.dtype, value.device)
    return [type(value), *map(_seen, value)] if isinstance(value, (list, tuple)) else value


def _result(function: Callable[[torch.Tensor], Any], make: Callable[..., torch.Tensor], where: Any) -> Any:
    try:
        return _seen(function(make(**where)))
    except Exception as error:
        return type(error)


HALVES = [name for name in CASES if "norm" in name or name in ("softmax", "root mean square", "attention", "reduced")]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize(
    ("case", "dtype"), [*((name, torch.float32) for name in CASES), *((name, torch.bfloat16) for name in HALVES)]
)
def test_layouts_are_torchs_own(case: str, dtype: torch.dtype, device: str) -> None:
    size, function = CASES[case]
    where = {"dtype": dtype, "device": device}
    _made_before.clear()
    different = []
    for name, make in _layouts(size):
        with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True):
            expected = _result(function, make, where)
        with torch.no_grad(), without_values(nn.Identity()):
            made = _result(function, make, where), _result(function, make, where)
        if made != (expected, expected):
            different.append((name, expected, made))
    assert not different
    assert _made_before, "nothing was remembered"
