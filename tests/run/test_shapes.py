"""What is remembered of shapes: the same as torch's own fake tensors make each time anew."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

import netsize
from netsize.run.fake_tensors import without_values
from netsize.run.shapes import _made_before, forget


def _resized(x: torch.Tensor) -> Any:
    out = x.new_empty(0)
    return torch.add(x, x, out=out), out


def _in_place(x: torch.Tensor) -> Any:
    y = x.clone()
    return y.relu_() is y, y.t_(), y.mul_(2)


def _moved(x: torch.Tensor) -> Any:
    """Each is used before, when it lies as `x` does, and afterwards, and a view of it is taken."""
    ways: list[Callable[[torch.Tensor], Any]] = [
        lambda y: y.t_(), lambda y: y.transpose_(0, 1), lambda y: y.unsqueeze_(0), lambda y: y[:1].clone().squeeze_(),
        lambda y: y.as_strided_((2, 3), (3, 1), 4), lambda y: y.resize_(2, 5), lambda y: y.set_(x.new_empty(8, 3)),
        lambda y: y.resize_as_(x.new_empty(7, 2)), lambda y: y.swapdims_(0, 1), lambda y: y.detach_().squeeze_(0),
        lambda y: setattr(y, "data", x.new_empty(3, 5)), lambda y: setattr(y, "data", x.double().t()),
        lambda y: y.data.t_(), lambda y: y.data.resize_(2, 2),
    ]  # fmt: skip
    found = []
    for way in ways:
        y = x.clone()
        before = y + 1, y[:1]
        way(y)
        found += [before, y, y + 1, y[:1], y[:1].untyped_storage()._cdata == y.untyped_storage()._cdata, y.mul_(2) is y]
    return found


def _shares(x: torch.Tensor) -> Any:
    """Views of views lie in the memory of the first one."""
    y = x[1:].view(-1)[2:].as_strided((2, 2), (3, 1), 4)
    return y, y.untyped_storage()._cdata == x.untyped_storage()._cdata, x.contiguous() is x


def _default_type(x: torch.Tensor) -> Any:
    whole, before = x.new_zeros(3, dtype=torch.int64), torch.get_default_dtype()
    halves = whole.div(2)
    torch.set_default_dtype(torch.float64)
    try:
        return halves, whole.div(2)
    finally:
        torch.set_default_dtype(before)


def _normalised(x: torch.Tensor) -> Any:
    mean, variance = x.new_zeros(6), x.new_ones(6)
    layers = [torch.native_layer_norm(y, [6], None, None, 1e-5) for y in (x, x.bfloat16(), x.t().contiguous().t())]
    batches = [
        torch.native_batch_norm(x, None, None, mean, variance, training, 0.1, 1e-5) for training in (False, True)
    ]
    return layers, batches


def _normalised_constants(x: torch.Tensor) -> Any:
    rows, mean, variance = torch.tensor([[1.0, 2.0]]), torch.tensor([0.0, 0.0]), torch.tensor([1.0, 1.0])
    return torch.native_batch_norm(rows, None, None, mean, variance, False, 0.1, 1e-5)[0].relu() + x[:, :2]


def _channels_last(x: torch.Tensor) -> Any:
    images, kernel = x.view(1, 2, 3, 4), x.new_empty(5, 2, 2, 2)
    last = images.contiguous(memory_format=torch.channels_last)
    return [torch.convolution(y, kernel, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1) for y in (images, last)]


def _created(x: torch.Tensor) -> Any:
    anew = [
        torch.zeros(3), torch.zeros(2, device="cuda"), torch.full((2, 3), 1), torch.full((2, 3), 1.0), torch.arange(3),
        torch.arange(3.0), torch.eye(3, device="cuda:0"), torch.rand(3, dtype=torch.float64), torch.linspace(0, 1, 4),
        torch.empty(1, 2, 3, 4, memory_format=torch.channels_last), torch.tril_indices(3, 3), torch.randperm(4),
    ]  # fmt: skip
    like = [torch.zeros_like(x, device="cuda"), torch.rand_like(x.t()), x.new_ones(2, dtype=torch.int32), x.to("cuda")]
    back = torch.ones_like(like[0], device="cpu")
    return anew, like, back, back + torch.ones_like(like[0], dtype=torch.float16, device="cpu")


CASES: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "several results": (lambda x: (x.split(2), x.max(0), torch.unbind(x)), "a list, a tuple of values and places"),
    "numbers": (lambda x: (x.long() + 1, x.long() + 1.0, x.long() + True, x.bool() + 1), "1, 1.0 and True are equal"),
    "strides": (lambda x: (x.t() + 1, x.t().contiguous(), x.t().clone()), "results lie as their arguments do"),
    "views": (_shares, "one memory"),
    "in place": (_in_place, "the argument itself, also when it lies otherwise by then"),
    "moved": (_moved, "it lies elsewhere, or in other memory, from then on"),
    "resized": (_resized, "an argument that is another one afterwards is not remembered"),
    "types": (lambda x: (x.double(), x.to(torch.float16), x.view(torch.int32)), "of 8, 2 and 4 bytes"),
    "default type": (_default_type, "whole numbers are divided into numbers of the type that is the default"),
    "complex": (
        lambda x: (torch.complex(x, x).conj(), torch.complex(x, x).conj().imag),
        "bits that no shape shows",
    ),
    "normalised": (_normalised, "statistics of halves are halves on a CPU; without training nothing is kept"),
    "channels last": (_channels_last, "convolutions lay out what they put out as what goes in, or not"),
    "created": (_created, "on the device that is said, or on that of what it is like, or on the CPU"),
    "constants normalised": (_normalised_constants, "known, and computed"),
    "nothing": (lambda x: (x[:0], x[:0].sum(), x[:0] @ x.new_empty(6, 3)), "empty tensors"),
    "constants": (lambda x: (x + torch.tensor(2), x[torch.tensor([0, 1])], x + torch.ones(6)), "real ones among them"),
    "views of constants": (
        lambda x: (
            x[:, torch.ops.aten._unsafe_view(torch.tensor([[0, 1], [2, 3]]), [4])] + torch.tensor([1.0]).expand(4)
        ),
        "they lie in its memory",
    ),
}


def _seen(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return (tuple(value.shape), value.stride(), value.storage_offset(), value.dtype, value.device, value.is_conj())
    return [type(value), *map(_seen, value)] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize(("function", "reason"), CASES.values(), ids=CASES)
def test_remembered_shapes_are_torchs_own(function: Callable[[torch.Tensor], Any], reason: str) -> None:
    _made_before.clear()
    with FakeTensorMode(allow_non_fake_inputs=True):
        expected = _seen(function(torch.empty(4, 6)))
    with torch.no_grad(), without_values(nn.Identity()):
        first, again = _seen(function(torch.empty(4, 6))), _seen(function(torch.empty(4, 6)))
    assert _made_before, "nothing was remembered"
    assert first == again == expected, reason


def test_small_constants_have_values_each_time_and_large_ones_never() -> None:
    with torch.no_grad(), without_values(nn.Identity()):
        for _ in range(2):
            small, large = (torch.arange(rows)[:, None] * torch.arange(3) for rows in (4, 2**19))
            assert type(small) is torch.Tensor and small.tolist() == [[0, 0, 0], [0, 1, 2], [0, 2, 4], [0, 3, 6]]
            assert isinstance(large, FakeTensor) and large.shape == (2**19, 3)
            assert torch.empty(4, 6)[small].shape == (4, 3, 6)
            assert isinstance(torch.tensor([1]).expand(2**45).sum(), FakeTensor)


class Computed(nn.Module):
    """Calls its layer as often as it works out from constants."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(int((torch.arange(3) * 2).max())):
            x = self.layer(x)
        return x


def test_what_is_worked_out_from_constants_is_so_each_time() -> None:
    for _ in range(2):
        report = netsize.analyze(Computed(), "4", verify=False, device="cpu")
        assert (report.totals.connections, report.guessed) == (4 * 16, ())


class Overwritten(nn.Module):
    """A constant that holds by then what nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        number = torch.zeros(1, dtype=torch.int64)
        number.copy_(x.sum().long().view(1))
        for _ in range(int(number)):
            x = self.layer(x)
        return x


def test_a_constant_that_is_written_to_is_known_no_more() -> None:
    for _ in range(2):
        report = netsize.analyze(Overwritten(), "4", verify=False, device="cpu")
        assert (report.totals.connections, report.guessed) == (16, (("aten._local_scalar_dense", ""),))


def test_a_part_may_come_before_the_whole() -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.Linear(4, 4))
    model[0].weight = nn.Parameter(model[1].weight.detach()[1:3])
    before = [_seen(part.weight) for part in model]
    with without_values(model):
        assert [_seen(part.weight) for part in model] == before
        assert model[0].weight.untyped_storage()._cdata == model[1].weight.untyped_storage()._cdata
        assert model[1].weight.untyped_storage().nbytes() == 64


def test_parameters_share_what_they_shared() -> None:
    """A matrix that is a part of another one, one in two places, a buffer, an untrained one; put back afterwards."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 4), nn.BatchNorm1d(4))
    whole = model[0].weight
    model[1].weight = nn.Parameter(whole.detach()[1:3], requires_grad=False)
    model[2].weight = whole
    before = dict(model.named_parameters()) | dict(model.named_buffers())
    with without_values(model):
        fake = dict(model.named_parameters()) | dict(model.named_buffers())
        assert fake.keys() == before.keys()
        assert all(isinstance(fake[name], nn.Parameter) == isinstance(before[name], nn.Parameter) for name in before)
        assert all(fake[name].requires_grad == before[name].requires_grad for name in before)
        assert all(_seen(fake[name]) == _seen(before[name]) for name in before)
        part, shared = model[1].weight, model[0].weight
        assert part.untyped_storage()._cdata == shared.untyped_storage()._cdata
        assert model[2].weight is shared
        assert part.untyped_storage()._cdata != model[0].bias.untyped_storage()._cdata
    assert all(value is before[name] for name, value in (*model.named_parameters(), *model.named_buffers()))


def test_what_is_remembered_is_bounded() -> None:
    _made_before.update({("somebody's", n): (None, []) for n in range(20_000)})
    forget()
    assert not _made_before
