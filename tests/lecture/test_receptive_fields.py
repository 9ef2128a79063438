"""Receptive fields: published ones, those of small networks by hand, and what gradients show."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import netsize
from netsize.lecture import receptive_fields
from netsize.lecture.receptive_fields import Field
from netsize.run.gradients import Way, _all_the_way

# At the last feature map. Araujo, Norris and Sim 2019: alexnet, vgg16, inception_v3; torchvision's own by
# calculation (the paper's ResNets stride elsewhere). resnet34: 7 + 2*4... = 899, densenet121 2071 by the same sums.
PUBLISHED = {"alexnet": 195, "vgg16": 212, "vgg19": 268, "resnet18": 435, "resnet50": 427, "inception_v3": 1311}
# The names of these networks count their layers with weights; of VGG's table 1 and the GoogLeNet paper, too.
DEPTHS = {"alexnet": 8, "vgg16": 16, "vgg19": 19, "resnet18": 18, "resnet50": 50, "resnet152": 152,
          "googlenet": 22, "densenet121": 121}  # fmt: skip
# network, and the module that puts out its last feature map
MAPS = {"alexnet": "features", "vgg11": "features", "vgg16": "features", "resnet18": "layer4", "resnet50": "layer4",
        "googlenet": "inception5b", "squeezenet1_1": "features", "mobilenet_v2": "features",
        "shufflenet_v2_x0_5": "conv5", "mnasnet0_5": "layers"}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published(name: str) -> None:
    report = netsize.analyze(name, verify=False)
    assert report.field is not None
    assert report.field.size == (PUBLISHED[name],) * 2


@pytest.mark.parametrize("name", DEPTHS)
def test_depth(name: str) -> None:
    assert netsize.analyze(name, verify=False).depth == DEPTHS[name]


@pytest.mark.parametrize("name", MAPS)
def test_field_is_where_the_gradient_is_not_zero(name: str) -> None:
    """With nothing of netsize's but its answer: one unit of the last feature map, on an input that is large enough."""
    report = netsize.analyze(name, verify=False)
    assert report.field is not None and report.field.step[0] is not None
    size, step, offset = report.field.size[0], report.field.step[0], report.field.offset[0]
    unit = -(offset // step) + 1
    gradient = gradient_of(name, unit, offset + unit * step + size + step)
    seen = (gradient != 0).any(dim=(0, 1, 3)).nonzero().flatten().tolist()
    assert (seen[0], seen[-1]) == (offset + unit * step, offset + unit * step + size - 1)


def gradient_of(name: str, unit: int, length: int) -> torch.Tensor:
    """Of all channels at this row of the last map, to an input that is `length` high and 64 wide. Positive weights
    in float64; a maximum becomes a mean, which passes its gradient to all that it sees."""
    model = torchvision.models.get_model(name, weights=None).eval().double()
    for parameter in model.parameters():
        parameter.data = torch.full_like(parameter, 0.5 if parameter.dim() < 2 else 1 / parameter[0].numel())
        parameter.requires_grad_(False)
    for module in list(model.modules()):
        for child, pool in module.named_children():
            if isinstance(pool, nn.MaxPool2d):
                setattr(module, child, nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode))
    maps: list[torch.Tensor] = []
    model.get_submodule(MAPS[name]).register_forward_hook(lambda *arguments: maps.append(arguments[-1]))
    image = torch.rand(1, 3, length, 64, dtype=torch.float64, requires_grad=True)
    model(image)
    (gradient,) = torch.autograd.grad(maps[0][0, :, unit].sum(), image)
    return gradient


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "densenet121", "googlenet", "squeezenet1_1", "vit_b_32"])
def test_every_layer_is_measured(name: str) -> None:
    report = netsize.analyze(name, device="cpu", receptive_field=True)
    assert report.verification.problems == ()
    limited = [row for row in report.rows if row.field and not row.field.whole]
    assert limited and all(row.field_verified == "passed" for row in limited)
    assert report.field_verified == ("skipped" if name == "vit_b_32" else "passed")  # attention sees all


class Residual(nn.Module):
    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x):
        return x + self.inside(x)


class Function(nn.Module):
    """A convolution of 3 behind what the function makes of the input."""

    def __init__(self, function, channels: int = 2) -> None:
        super().__init__()
        self.function, self.last = function, nn.Conv2d(channels, 1, 3)

    def forward(self, x):
        return self.last(self.function(x))


class ChannelsLast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 4, 3), nn.Linear(4, 4)

    def forward(self, x):
        return self.b(self.a(x).permute(0, 2, 3, 1))


class Patches(nn.Module):
    """Patches of 4x4 by reshaping alone, as einops writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2 * 16, 5)

    def forward(self, x):
        b, c, h, w = x.shape
        return self.a(x.view(b, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(b, h // 4 * (w // 4), -1))


def conv(kernel: int, **settings) -> nn.Conv2d:
    return nn.Conv2d(2, 2, kernel, **settings)


def field(size, step, offset) -> Field:
    return Field((2, 3), (size, size), (step, step), (offset, offset))


ALL = Field(whole=True)
CASES = {
    # network, size of the image, field of the last layer
    "3x3": (conv(3), 8, field(3, 1, 0)),
    "two of 3x3 are one of 5x5": (nn.Sequential(conv(3), conv(3)), 8, field(5, 1, 0)),
    "stride 2 doubles the steps": (nn.Sequential(conv(3, stride=2), conv(3)), 16, field(7, 2, 0)),
    "padding begins outside": (conv(5, padding=2), 8, field(5, 1, -2)),
    "dilation": (conv(3, dilation=3), 8, field(7, 1, 0)),
    "a pool is a window": (nn.Sequential(nn.MaxPool2d(2), conv(3)), 16, field(6, 2, 0)),
    "residual: the largest": (nn.Sequential(Residual(conv(5, padding=2)), conv(1)), 8, field(5, 1, -2)),
    "branches, joined": (Function(lambda x: torch.cat([x, nn.functional.avg_pool2d(x, 3, 1, 1)], 1), 4), 8,
                         field(5, 1, -1)),
    "depthwise": (conv(3, groups=2), 8, field(3, 1, 0)),
    "each place alone: linear behind a permutation": (ChannelsLast(), 8, field(3, 1, 0)),
    "patches": (Patches(), 8, field(4, 4, 0)),
    "every second row and column": (Function(lambda x: x[:, :, ::2, ::2]), 16, field(5, 2, 0)),
    "cut off": (Function(lambda x: x[:, :, 2:, 2:]), 8, field(3, 1, 2)),
    "padded by hand": (Function(lambda x: nn.functional.pad(x, (3, 0, 3, 0))), 8, field(3, 1, -3)),
    "batch norm, dropout, relu": (nn.Sequential(conv(3), nn.BatchNorm2d(2), nn.Dropout(), nn.ReLU(), conv(1)), 8,
                                  field(3, 1, 0)),
    "group norm looks at all": (nn.Sequential(nn.GroupNorm(1, 2), conv(3)), 8, ALL),
    "fully connected": (nn.Sequential(conv(3), nn.Flatten(), nn.Linear(2 * 36, 3)), 8, ALL),
    "global pool": (nn.Sequential(conv(3), nn.AdaptiveAvgPool2d(1), conv(1)), 8, ALL),
    "squeeze and excitation": (nn.Sequential(torchvision.ops.SqueezeExcitation(2, 1), conv(3)), 8, ALL),
    "upsampled: differs from unit to unit": (nn.Sequential(nn.Upsample(scale_factor=2), conv(3)), 8, None),
    "turned by a quarter: not one region": (Function(lambda x: x + x.transpose(2, 3)), 8, None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    model, size, expected = CASES[name]
    report = netsize.analyze(model, (2, size, size), device="cpu", receptive_field=True)
    assert report.rows[-1].field == expected
    assert report.verification.problems == ()
    if expected is not None and not expected.whole:
        assert report.rows[-1].field_verified == "passed"


def test_one_axis_and_three() -> None:
    sound = netsize.analyze(nn.Sequential(nn.Conv1d(2, 3, 5, 2), nn.Conv1d(3, 3, 3)), (2, 40), receptive_field=True)
    assert sound.rows[-1].field == Field((2,), (9,), (2,), (0,))
    video = netsize.analyze(nn.Conv3d(2, 3, (3, 5, 7), padding=(1, 2, 3)), (2, 8, 9, 10), receptive_field=True)
    assert video.rows[-1].field == Field((2, 3, 4), (3, 5, 7), (1, 1, 1), (-1, -2, -3))
    assert [report.rows[-1].field_verified for report in (sound, video)] == ["passed", "passed"]


@st.composite
def chains(draw):
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
        padding = draw(st.integers(0, kernel // 2))
        kind = draw(st.sampled_from(["conv", "max", "mean", "residual"]))
        if kind == "conv":
            layers.append(nn.Conv1d(2, 2, kernel, stride, padding * dilation, dilation))
        elif kind == "residual":
            layers.append(Residual(nn.Conv1d(2, 2, 2 * kernel - 1, padding="same", dilation=dilation)))
        else:
            layers.append((nn.MaxPool1d if kind == "max" else nn.AvgPool1d)(kernel, stride, padding))
    return nn.Sequential(*layers, nn.Conv1d(2, 1, 1))


@settings(max_examples=60, deadline=None)
@given(chains())
def test_chains_that_nobody_chose(model: nn.Sequential) -> None:
    """Field by arithmetic, field by the gradient, on random layers; all of them must have been measured."""
    report = netsize.analyze(model, (2, 400), device="cpu", receptive_field=True)
    assert report.verification.problems == ()
    assert all(row.field_verified == "passed" for row in report.rows)


def test_a_wrong_field_fails(monkeypatch) -> None:
    """Arithmetic that forgets the dilation is caught by the gradient, on its row."""
    right = receptive_fields.slide
    monkeypatch.setattr(receptive_fields, "slide", lambda view, axis, k, s, p, d, n: right(view, axis, k, s, p, 1, n))
    report = netsize.analyze(conv(3, dilation=2), "2x16x16", device="cpu", receptive_field=True)
    assert report.verification.status == "failed"
    assert report.rows[0].problems == ("receptive field: 1 to 3 by formula, 1 to 5 by the gradient",)


def test_a_wrong_field_in_the_middle_is_told_of_its_layer_and_of_the_deepest(monkeypatch) -> None:
    """Each layer is measured through those before it that are right, and the deepest all the way from the input."""
    right = receptive_fields.slide
    monkeypatch.setattr(receptive_fields, "slide", lambda view, axis, k, s, p, d, n: right(view, axis, k, s, p, 1, n))
    layers = [conv(3), conv(3), conv(3, dilation=2), *(nn.Sequential(nn.ReLU(), conv(3)) for _ in range(3))]
    report = netsize.analyze(nn.Sequential(*layers), "2x40x40", device="cpu", receptive_field=True)
    wrong = [bool(row.problems) for row in report.rows]
    assert wrong[:3] == [False, False, True] and wrong[-1]
    assert report.rows[2].problems == ("receptive field: 1 to 7 by formula, 1 to 9 by the gradient",)


def between(norm: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 4, 3), norm, nn.Conv2d(4, 2, 3))


class Binned(nn.Module):
    """No gradient reaches its input: numbers are rounded to places in a table."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.conv = nn.Embedding(9, 4), nn.Conv1d(4, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(self.table((x * 8).long()).transpose(1, 2))


# behind statistics of the input every unit sees all of it; by statistics that are kept it does not
AT_THE_LAST_MAP = {
    "instance norm": (between(nn.InstanceNorm2d(4)), (2, 16, 16), "all"),
    "instance norm with statistics": (between(nn.InstanceNorm2d(4, track_running_stats=True)), (2, 16, 16), "5"),
    "batch norm": (between(nn.BatchNorm2d(4)), (2, 16, 16), "5"),
    "batch norm without statistics": (between(nn.BatchNorm2d(4, track_running_stats=False)), (2, 16, 16), "all"),
    "group norm": (between(nn.GroupNorm(2, 4)), (2, 16, 16), "all"),
    "transposed": (nn.Sequential(nn.Conv2d(2, 4, 3), nn.ConvTranspose2d(4, 2, 3, stride=2)), (2, 12, 12), "?"),
    "rounded": (Binned(), (12,), "3"),
}


@pytest.mark.parametrize("name", AT_THE_LAST_MAP)
def test_the_last_feature_map_is_the_last_one(name: str) -> None:
    model, shape, expected = AT_THE_LAST_MAP[name]
    report = netsize.analyze(model, shape, device="cpu", receptive_field=True)
    assert (str(report.field or "?"), report.verification.status) == (expected, "passed")
    (entry,) = netsize.compare([model], shape, device="cpu").entries
    assert (entry.field or "?", entry.verified) == (expected, "passed")


class Windows(nn.Module):
    """Tokens of a map, put into windows of 2 x 2 before they go through a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.layer = nn.Conv2d(2, 4, 7, padding=3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        n, c, h, w = x.shape
        return self.layer(x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(n, -1, 4, c))


def test_a_unit_in_a_window_that_no_border_cuts() -> None:
    report = netsize.analyze(Windows(), (2, 32, 32), device="cpu", receptive_field=True)
    assert report.verification.status == "passed"
    assert [(str(row.field), row.field_verified) for row in report.rows] == [("7", "passed"), ("7", "passed")]


class NormalisedAndPooled(nn.Module):
    """As in VOLO: features are normalised place by place (8 of them: the mean of ones is exact), and pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.norm, self.scores = nn.Conv2d(3, 8, 4, stride=4), nn.LayerNorm(8), nn.Linear(8, 6)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = self.norm(self.patches(x).permute(0, 2, 3, 1))
        return self.scores(self.pool(places.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))


@pytest.mark.parametrize("seed", range(8))
def test_a_gradient_that_is_the_same_for_all_features_does_not_vanish(seed: int) -> None:
    """A normalisation would let nothing of it pass but what is rounded."""
    torch.manual_seed(seed)
    report = netsize.analyze(NormalisedAndPooled(), "3x64x64", device="cpu", receptive_field=True)
    assert report.verification.problems == ()
    assert [(row.field.size, row.field_verified) for row in report.rows] == [((4, 4), "passed"), ((8, 8), "passed")]


def test_a_wrong_field_is_no_pass_in_compare(monkeypatch) -> None:
    right = receptive_fields.slide
    monkeypatch.setattr(receptive_fields, "slide", lambda view, axis, k, s, p, d, n: right(view, axis, k, s, p, 1, n))
    (entry,) = netsize.compare([conv(3, dilation=2)], "2x16x16", device="cpu").entries
    assert entry.verified == "failed"
    assert "receptive field: 1 to 3 by formula, 1 to 5 by the gradient" in (entry.error or "")


def test_fields_leave_the_random_state_alone() -> None:
    model, before = conv(3), torch.get_rng_state()
    netsize.analyze(model, "2x16x16", device="cpu", receptive_field=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_go_on_behind_every_layer() -> None:
    """From leaf to leaf they are those of the network in one piece: past a layer, through two ways, and directly."""
    first, second, third = (nn.Conv1d(1, 1, 3, padding=1) for _ in range(3))
    x = torch.rand(1, 1, 20, requires_grad=True)

    def run(end: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        a = end(first(x))
        b = end(second(a))
        return (third(b + a) + x)[0, 0, 9]

    (expected,) = torch.autograd.grad(run(lambda tensor: tensor), x)
    made, leaves = [], []

    def cut(tensor: torch.Tensor) -> torch.Tensor:
        made.append(tensor)
        leaves.append(tensor.detach().requires_grad_())
        return leaves[-1]

    unit = run(cut)
    ways = [Way(end, axis=2) for end in (x, *leaves)]
    gradients = torch.autograd.grad(unit, [way.tensor for way in ways])
    reached = _all_the_way(gradients, ways, made)
    assert reached is not None
    torch.testing.assert_close(reached, expected)
    assert expected.count_nonzero() == 7 and gradients[0].count_nonzero() == 1


class Cut(nn.Sequential):
    """No gradient reaches its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.detach())


@pytest.mark.parametrize(("kind", "status"), [(nn.Sequential, "passed"), (Cut, "skipped")])
def test_what_no_gradient_reaches_is_not_measured_through_others(kind: type[nn.Sequential], status: str) -> None:
    """The second layer's gradient reaches the first one, and may end there."""
    network = kind(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3))
    report = netsize.analyze(network, "3x32x32", device="cpu", receptive_field=True)
    assert [row.field_verified for row in report.rows] == [status, status]
    assert report.field_verified == status


class Few(torch.autograd.Function):
    """Lets a gradient through where it comes from no more than one layer: of 3 channels, 3 x 3 places."""

    @staticmethod
    def forward(ctx, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        return gradient if gradient.count_nonzero() <= 27 else torch.zeros_like(gradient)


class Blinded(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(Few.apply(x))


def test_the_deepest_layer_is_followed_all_the_way() -> None:
    """From the first layer's units on it sees what it should; but the gradient of its own ends before the input."""
    network = Blinded(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3))
    report = netsize.analyze(network, "3x32x32", device="cpu", receptive_field=True)
    assert [row.field_verified for row in report.rows] == ["passed", "failed"]
