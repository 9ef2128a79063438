"""Operations of a training step: by hand, against torch's own backward pass, and against its own counter."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import netsize

KINDS = ("forward", "backward_inputs", "backward_weights")


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Dead(nn.Module):
    """One of its layers is executed for nothing, and one without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unheard, self.quiet = nn.Linear(4, 4), nn.Linear(4, 5), nn.Linear(4, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.unheard(x)
        with torch.no_grad():
            scale = self.quiet(x).sum()
        return self.used(x) * scale


class Tied(nn.Module):
    """One matrix, twice: as a table of words, and as the layer that scores them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.table(x) @ self.table.weight.T


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 2), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.body(x)
        return self.first(x), self.second(x)


def frozen_below() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 6), nn.Linear(6, 7))
    model[0].requires_grad_(False)
    return model


BY_HAND = {
    # two convolutions with 8 x 8 and 6 x 6 places: the input needs no gradient
    "convolutions": (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)), "3x10x10",
        (64 * 27 * 4 + 36 * 36 * 5, 36 * 36 * 5, 64 * 27 * 4 + 36 * 36 * 5),
    ),
    # depthwise: 100 places x 9 connections x 8 channels, to its inputs and to its weights alike
    "depthwise": (
        nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)), "3x10x10",
        (2400 + 7200, 7200, 2400 + 7200),
    ),
    # each element of the input is connected to 4 x 9 outputs
    "transposed": (nn.Sequential(nn.ConvTranspose2d(3, 4, 3, stride=2)), "3x5x5", (2700, 0, 2700)),
    "frozen below": (frozen_below(), "4", (20 + 30 + 42, 42, 30 + 42)),
    "dead ends": (Dead(), "4", (16 + 20 + 24, 0, 16)),
    # every output is learned from, not only the last one
    "two heads": (Heads(), "4", (20 + 10 + 15, 10 + 15, 20 + 10 + 15)),
    "tied": (Tied(), "3:int64", (3 * 4 * 10, 3 * 4 * 10, 3 * 4 * 10)),
    # 5 places: three projections of 8 x 8, two heads of scores and values (5 x 5 x 4 each), one projection out;
    # both factors of the products of activations need a gradient, the input of the network needs none
    "attention": (Attention(), "5x8", (960 + 400 + 320, 2 * 400 + 320, 960 + 320)),
    # 3 steps: 4 gates x 6 hidden values, connected to 5 inputs and 6 states; the first state needs no gradient
    "lstm": (nn.LSTM(5, 6, batch_first=True), "3x5", (3 * 24 * 11, 2 * 24 * 6, 3 * 24 * 11)),
    "bilinear": (nn.Bilinear(3, 4, 5), ["3", "4"], (60, 0, 60)),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_operations_by_hand(name: str) -> None:
    model, shape, expected = BY_HAND[name]
    training = netsize.training(model, shape, batch=2, device="cpu")
    assert tuple(training.total(kind) for kind in KINDS) == expected
    assert training.problems == () and training.unattributed == 0  # torch's backward pass executes as much


class Own(torch.autograd.Function):
    """A product with a backward pass of its own."""

    @staticmethod
    def forward(context, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(context, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, weight = context.saved_tensors
        return gradient @ weight.T, x.T @ gradient


class WithOwn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.weight = nn.Linear(4, 4), nn.Parameter(torch.rand(4, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Own.apply(self.layer(x), self.weight)


def test_a_backward_pass_of_ones_own_is_incomplete_not_silent() -> None:
    training = netsize.training(WithOwn(), "4", batch=2, device="cpu")
    assert training.unattributed == 2 * 12
    assert "incomplete: 24 more add-multiplies are executed backward" in str(training)


def test_lazy_modules() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(5))
    training = netsize.training(model, "3x8x8", batch=2, device="cpu")
    assert training.total("forward") == 36 * 27 * 4 + 144 * 5
    assert netsize.analyze(model, "3x8x8", verify=False, device="cpu").totals.connections == training.total("forward")


@pytest.mark.parametrize(("dtype", "bytes"), [(torch.bfloat16, 2), (torch.float32, 4), (torch.float64, 8)])
def test_a_network_has_a_type_of_its_own(dtype: torch.dtype, bytes: int) -> None:
    training = netsize.training(nn.Linear(12, 5).to(dtype), "12", batch=3, device="cpu")
    assert training.parts["parameters"] == 65 * bytes
    assert f"sgd in {dtype}".replace("torch.", "") in str(training)


ALEXNET = 714_188_480
FIRST = 70_276_800  # its first convolution
CLASSIFIER = (20_873_216, 58_621_952)  # to inputs: 4096 x (4096 + 1000), what comes from features needs none


def test_alexnet_about_three() -> None:
    """The lecture's "about 3" is exact: 3 for each connection, but for the gradient of the input."""
    training = netsize.training("alexnet", device="cpu")
    assert tuple(training.total(kind) for kind in KINDS) == (ALEXNET, ALEXNET - FIRST, ALEXNET)
    assert training.ratio == pytest.approx(3 - FIRST / ALEXNET)
    assert round(training.ratio, 2) == 2.90


def test_frozen_features_leave_the_classifier() -> None:
    training = netsize.training("alexnet", freeze="features", device="cpu")
    assert tuple(training.total(kind) for kind in KINDS) == (ALEXNET, *CLASSIFIER)
    assert all(layer.backward == layer.gradients == 0 for layer in training.layers if "features" in layer.path)
    assert training.trainable == 58_621_952
    assert "not trained: 2,469,696 parameters (features.0.weight, features.0.bias" in str(training)
    # what its layers keep: two dropout masks and inputs of fully connected layers, two rectified vectors
    kept = {layer.path: layer.activations // training.batch for layer in training.layers if layer.activations}
    assert kept == {
        "classifier.1": 4 * 9216, "classifier.2": 4 * 4096, "classifier.3": 4 * 4096, "classifier.4": 4 * 4096,
        "classifier.5": 4 * 4096,
    }  # fmt: skip


UNGROUPED = ["alexnet", "vgg11", "resnet18", "googlenet", "inception_v3", "squeezenet1_0",
             "fcn_resnet50", "vit_b_32", "swin_t", "r3d_18"]  # fmt: skip


@pytest.mark.parametrize("name", UNGROUPED)
def test_as_many_as_torchs_own_counter_says(name: str) -> None:
    """FlopCounterMode on the same step; it is wrong for grouped convolutions only."""
    training = netsize.training(name, batch=2, device="cpu")
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        model = torchvision.models.get_model_builder(name).__call__(weights=None, **_as_default(name)).train()
    shape = training.input[0]
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        output = model(torch.rand(2, *shape[1:], device="meta"))
        parts = output.values() if isinstance(output, dict) else output if isinstance(output, tuple) else [output]
        sum(part.sum() for part in parts).backward()
    assert counter.get_total_flops() == 2 * 2 * training.operations
    assert training.problems == () and training.unattributed == 0


def _as_default(name: str) -> dict[str, object]:
    """As torchvision's default weights have it; and no initialisers, which say that they are slow."""
    if name == "fcn_resnet50":
        return {"aux_loss": True, "weights_backbone": None}
    return {"init_weights": False} if name in ("googlenet", "inception_v3") else {}


def test_what_gets_no_gradient_has_no_optimizer_state() -> None:
    model = Dead()
    model.never = nn.Linear(100, 100)
    training = netsize.training(model, "4", batch=2, optimizer="adam", measure=True, device="cpu")
    used = 4 * 4 + 4
    assert training.parts["gradients of weights"] == 4 * used
    assert training.parts["optimizer state"] == 2 * 4 * used + 2 * 4
    assert training.untouched[-2:] == ("never.weight", "never.bias")
    assert "without a gradient, and so without optimizer state: unheard.weight" in str(training)
    assert training.peak.size == training.measured.peak - 12  # three numbers that torch makes of Python's


class Experts(nn.Module):
    """Which of its layers run hangs on the values of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(4, 3)
        self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(0, 1)
        chosen, output = self.router(x).argmax(-1), torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            tokens = torch.where(chosen == index)[0]
            output = output.index_add(0, tokens, expert(x[tokens]))
        return output


def test_training_says_what_values_decide() -> None:
    training = netsize.training(Experts(), "6x4", batch=2, device="cpu")
    assert any("every candidate survives): aten.nonzero" in line for line in training.values)
    assert "every candidate survives" in str(training)
    assert netsize.training(nn.Linear(4, 3), "4", batch=2, device="cpu").values == ()


class TiedHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(20, 8), nn.Linear(8, 20, bias=False)
        self.body = nn.Linear(8, 8)
        self.head.weight = self.table.weight
        self.body.weight.requires_grad_(False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.table(ids)))


def test_tied_weights_are_frozen_by_either_name_and_say_whose_they_are() -> None:
    for pattern, other in (("head", "table"), ("table", "head")):
        said = f"{pattern}.weight is frozen, and {other}.weight with it: they are one parameter"
        training = netsize.training(TiedHead(), "5:int64", batch=2, freeze=pattern, device="cpu")
        assert training.trainable == 0 and said in str(training)
        report = netsize.analyze(TiedHead(), "5:int64", device="cpu", freeze=[pattern])
        assert said in report.notes
        assert report.totals.frozen == 160 + 64  # the body asks for no gradient
    assert [row.operation for row in report.rows] == [
        "embedding 20 x 8",
        "linear 8 -> 8",
        "linear 8 -> 20, weights of table",
    ]
