"""One small network, counted by hand, for each trap that counters fall into (design: traps that were met)."""

import contextlib
from collections import OrderedDict
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize

import netsize


def rows(report: netsize.Report) -> list[tuple]:
    return [(row.path, row.call, row.kind, row.units, row.connections, row.weights) for row in report.rows]


def analyze(model: nn.Module, *shapes: str, **options) -> netsize.Report:
    report = netsize.analyze(model, list(shapes), device="cpu", **options)
    assert report.verification.problems == ()
    assert report.totals.weights + report.totals.biases + report.totals.other_parameters == sum(
        parameter.numel() for parameter in model.parameters()
    )
    return report


def attention_rows(prefix: str, length: int, size: int, heads: int) -> list[tuple]:
    """in_proj (3 E outputs), scores (L L for each head), values (L E), out_proj."""
    return [
        (prefix, 0, "linear", length * 3 * size, length * 3 * size * size, 3 * size * size),
        (prefix, 1, "attention", heads * length * length, length * length * size, 0),
        (prefix, 2, "attention", length * size, length * length * size, 0),
        (f"{prefix}.out_proj".lstrip("."), 0, "linear", length * size, length * size * size, size * size),
    ]


class SelfAttention(nn.Module):
    def __init__(self, need_weights: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.need_weights = need_weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=self.need_weights)[0]


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("verify", [True, False])
def test_multihead_attention_has_a_fused_path_without_products(need_weights: bool, verify: bool) -> None:
    report = analyze(SelfAttention(need_weights), "5x8", verify=verify)
    assert rows(report) == attention_rows("attention", 5, 8, 2)
    assert report.totals.biases == 24 + 8


def test_transformer_encoder_layer_has_a_fused_path_without_products() -> None:
    report = analyze(nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True), "5x8")
    assert rows(report) == [
        *attention_rows("self_attn", 5, 8, 2),
        ("linear1", 0, "linear", 80, 5 * 8 * 16, 128),
        ("linear2", 0, "linear", 40, 5 * 8 * 16, 128),
    ]


def test_attention_with_other_keys_uses_thirds_of_one_parameter() -> None:
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return self.attention(x, y, y, need_weights=False)[0]

    report = analyze(Cross(), "5x8", "3x8")
    # the query's third, then keys and values together; 5 queries attend to 3 keys
    assert rows(report) == [
        ("attention", 0, "linear", 5 * 8, 5 * 64, 64),
        ("attention", 1, "linear", 3 * 16, 3 * 128, 128),
        ("attention", 2, "attention", 2 * 5 * 3, 5 * 3 * 8, 0),
        ("attention", 3, "attention", 5 * 8, 5 * 3 * 8, 0),
        ("attention.out_proj", 0, "linear", 40, 5 * 64, 64),
    ]


def test_layer_called_three_times_counts_its_weights_once() -> None:
    class Thrice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(self.layer(self.layer(x)))

    report = analyze(Thrice(), "4")
    assert rows(report) == [("layer", call, "linear", 4, 16, 16 if call == 0 else 0) for call in range(3)]
    assert [row.label for row in report.rows] == ["Output Layer"] * 3
    assert (report.totals.weights, report.totals.biases) == (16, 4)


def test_tied_weights_count_at_their_first_use() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(10, 4)
            self.head = nn.Linear(4, 10, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return self.head(self.embed(words))

    report = analyze(Tied(), "5:int64")
    assert rows(report) == [("embed", 0, "embedding", 0, 0, 40), ("head", 0, "linear", 50, 200, 0)]


def test_parameter_outside_of_any_called_module() -> None:
    class ClassToken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 1, 4))
            self.position = nn.Parameter(torch.zeros(1, 6, 4))
            self.head = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.cat([self.token, x], 1) + self.position)

    report = analyze(ClassToken(), "5x4")
    assert rows(report) == [("head", 0, "linear", 12, 48, 8)]
    assert (report.totals.biases, report.totals.other_parameters, report.unused) == (2, 4 + 24, ())


def test_parameter_through_views_and_transposes() -> None:
    class Viewed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.flat = nn.Parameter(torch.rand(24))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.flat.view(6, 4).t().contiguous()

    assert rows(analyze(Viewed(), "4")) == [("", 0, "linear", 6, 24, 24)]


def test_parameter_used_in_parts_counts_each_part_once() -> None:
    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(6, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first, second = self.weight[:2], self.weight[2:5]
            return torch.cat([x @ first.t(), x @ second.t(), x @ first.t()], -1)

    report = analyze(Parts(), "4")
    assert [row.weights for row in report.rows] == [8, 12, 0]
    assert report.totals.other_parameters == 4  # the last row of the parameter is never multiplied by


def test_weight_norm_computes_the_weight() -> None:
    model = nn.Sequential(OrderedDict(layer=parametrizations.weight_norm(nn.Conv1d(2, 3, 3))))
    report = analyze(model, "2x8")
    # the direction has the elements of the kernel; the lengths, one for each output, are other parameters
    assert rows(report) == [("layer", 0, "conv", 18, 108, 18)]
    assert (report.totals.biases, report.totals.other_parameters) == (3, 3)


def test_spectral_norm_multiplies_by_the_weight_before_the_layer_does() -> None:
    model = parametrizations.spectral_norm(nn.Linear(4, 6))
    report = analyze(model, "4")
    layer = report.rows[-1]
    assert (layer.units, layer.connections, layer.weights) == (6, 24, 24)
    assert sum(row.weights for row in report.rows) == 24


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_old_weight_norm_keeps_a_tensor_that_cannot_be_copied() -> None:
    model = nn.utils.weight_norm(nn.Linear(4, 6))
    assert [row.weights for row in analyze(model, "4").rows] == [24]


def test_masked_weights() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(6, 4))
            self.register_buffer("mask", torch.ones(6, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.linear(x, self.weight * self.mask)

    assert rows(analyze(Masked(), "4")) == [("", 0, "linear", 6, 24, 24)]


def test_low_rank_addition_to_a_weight() -> None:
    class LowRank(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(6, 4))
            self.up, self.down = nn.Parameter(torch.rand(6, 1)), nn.Parameter(torch.rand(1, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.linear(x, self.weight + self.up @ self.down)

    # the product of the two is executed, too: 24 units with a fan-in of 1
    assert rows(analyze(LowRank(), "4")) == [("", 0, "matmul", 24, 24, 6 + 4), ("", 1, "linear", 6, 24, 24)]


def test_concatenated_weights_are_all_counted() -> None:
    class Fused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k = nn.Parameter(torch.rand(6, 4)), nn.Parameter(torch.rand(2, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.linear(x, torch.cat([self.q, self.k]))

    assert rows(analyze(Fused(), "4")) == [("", 0, "linear", 8, 32, 32)]


def test_one_coefficient_for_each_map_as_in_lenet5() -> None:
    class Subsampling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.coefficient, self.bias = nn.Parameter(torch.rand(6)), nn.Parameter(torch.rand(6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            kernel = self.coefficient.view(6, 1, 1, 1).expand(6, 1, 2, 2)
            return F.conv2d(x, kernel, self.bias, stride=2, groups=6)

    # LeCun et al. 1998, S2: 1,176 units, 12 parameters, 5,880 connections with biases
    report = analyze(Subsampling(), "6x28x28", bias=True)
    assert (report.totals.units, report.totals.connections, report.totals.weights) == (1176, 5880, 12)
    report = analyze(Subsampling(), "6x28x28")
    assert (report.totals.units, report.totals.connections, report.totals.weights) == (1176, 4704, 6)


def test_parameter_list_and_alias() -> None:
    class Lists(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.matrices = nn.ParameterList([nn.Parameter(torch.rand(4, 4)) for _ in range(2)])
            self.one = nn.Linear(4, 4)
            self.same = self.one

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for matrix in self.matrices:
                x = x @ matrix
            return self.same(self.one(x))

    assert rows(analyze(Lists(), "4")) == [
        ("matrices.0", 0, "linear", 4, 16, 16),
        ("matrices.1", 0, "linear", 4, 16, 16),
        ("one", 0, "linear", 4, 16, 16),
        ("one", 1, "linear", 4, 16, 0),
    ]


def test_unused_parameters_are_named() -> None:
    class Auxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x)) if self.training else self.body(x)

    report = analyze(Auxiliary(), "4")
    assert report.unused == (("head.weight", 8), ("head.bias", 2))
    assert (report.totals.weights, report.totals.biases, report.totals.other_parameters) == (16, 4, 10)


@dataclass
class Boxes:
    scores: torch.Tensor


@pytest.mark.parametrize("wrap", [lambda y: {"out": y}, lambda y: [y, (y,)], Boxes, lambda y: None])
def test_any_kind_of_output(wrap) -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> object:
            return wrap(self.layer(x))

    assert rows(analyze(Wrapped(), "4")) == [("layer", 0, "linear", 2, 8, 8)]


def test_several_inputs_of_several_types() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.layer = nn.Embedding(7, 3), nn.Linear(3, 2)

        def forward(self, words: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            return self.layer(self.embed(words) * weights[..., None])

    report = analyze(Two(), "5:int64", "5")
    assert report.input == ((1, 5), (1, 5))
    assert rows(report) == [("embed", 0, "embedding", 0, 0, 21), ("layer", 0, "linear", 10, 30, 6)]


def test_unbatched_input() -> None:
    report = analyze(nn.Conv2d(3, 4, 3), "3x5x5", batch=False)
    assert report.input == ((3, 5, 5),)
    assert rows(report) == [("", 0, "conv", 36, 36 * 27, 108)]


def test_first_example_of_a_batch() -> None:
    report = netsize.analyze(nn.Linear(4, 2), torch.rand(16, 4), device="cpu")
    assert report.input == ((1, 4),)
    assert rows(report) == [("", 0, "linear", 2, 8, 8)]


def test_packed_sequences_count_the_steps_that_ran() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3]), batch_first=True)
            return self.lstm(packed)[0].data

    assert rows(analyze(Packed(), "5x3")) == [("lstm", 0, "recurrent", 3 * 16, 3 * 16 * 7, 112)]


def test_lazy_modules_get_their_parameters_first() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2))
    report = netsize.analyze(model, "3x5x5", device="cpu")
    assert [row.weights for row in report.rows] == [108, 72]
    assert report.verification.status == "passed"
    assert isinstance(model[2].weight, nn.UninitializedParameter)


def test_module_without_a_call_of_its_own() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.linear(x, self.layer.weight, self.layer.bias)

    assert rows(analyze(Functional(), "4")) == [("layer", 0, "linear", 2, 8, 8)]


def test_forward_that_catches_errors_of_its_modules() -> None:
    class Fails(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ValueError

    class Tolerant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fails, self.layer = Fails(), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with contextlib.suppress(ValueError):
                x = self.fails(x)
            return self.layer(x)

    assert rows(analyze(Tolerant(), "4")) == [("layer", 0, "linear", 2, 8, 8)]


def test_unknown_operations_are_named_and_never_zero() -> None:
    @torch.library.custom_op("netsize_tests::opaque_product", mutates_args=())
    def opaque(x: torch.Tensor) -> torch.Tensor:
        return x @ x.T

    class Opaque(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return opaque(self.layer(x))

    report = analyze(Opaque(), "4")
    assert [(u.operation, u.calls) for u in report.uncounted] == [("netsize_tests.opaque_product", 1)]
    assert not report.complete


def test_scripted_modules_are_seen_through() -> None:
    model = nn.Sequential(torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())))
    report = netsize.analyze(model, "3x5x5", device="cpu")
    assert [(row.kind, row.units, row.connections, row.weights) for row in report.rows] == [("conv", 36, 972, 108)]


def test_values_that_decide_are_named() -> None:
    class Picks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x[x[..., 0] > 0.5])

    report = netsize.analyze(Picks(), torch.tensor([[[0.0] * 4, [1.0] * 4, [1.0] * 4]]), device="cpu")
    assert report.depends_on_values == ("aten.index",)
    assert report.totals.connections == 2 * 8  # two of three rows survive
    assert analyze(Picks(), "3x4", verify=False).totals.connections == 3 * 8  # without values all of them


def test_half_precision_counts_exactly() -> None:
    report = netsize.analyze(nn.Linear(5000, 3).to(torch.bfloat16), "5000", device="cpu")
    assert report.rows[0].connections == 15000
    assert report.verification.status == "passed"


def test_fan_in_beyond_the_whole_numbers_of_float32() -> None:
    fan_in = 2**24 + 3
    report = netsize.analyze(nn.Linear(fan_in, 1, bias=False), str(fan_in), device="cpu")
    assert report.rows[0].connections == fan_in
    assert report.verification.status == "passed"


def test_parametrized_weight_belongs_to_its_layer() -> None:
    class Symmetric(nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight.triu() + weight.triu(1).transpose(-1, -2)

    model = nn.Sequential(nn.Linear(4, 4))
    parametrize.register_parametrization(model[0], "weight", Symmetric())
    assert rows(analyze(model, "4")) == [("0", 0, "linear", 4, 16, 16)]


class LearnedQueries(nn.Module):
    """As DETR: parameters go through layers like an input, and attend to it."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Embedding(5, 8)
        self.decoder = nn.TransformerDecoderLayer(8, 2, dim_feedforward=16, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.query.weight[None], x)


@pytest.mark.parametrize("verify", [True, False])
def test_learned_queries_are_the_input_of_layers_and_no_weights(verify: bool) -> None:
    model = LearnedQueries()
    report = analyze(model, "7x8", verify=verify)
    matrices = sum(p.numel() for name, p in model.decoder.named_parameters() if p.dim() > 1)
    assert report.totals.weights == matrices
    norms = 3 * 2 * 8
    assert report.totals.other_parameters == 5 * 8 + norms
    assert {row.kind for row in report.rows} == {"linear", "attention"}


def test_projected_queries_times_keys_have_no_weights() -> None:
    class Latent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.latent = nn.Parameter(torch.rand(6, 8))
            self.q, self.k = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.q(self.latent) @ self.k(x).transpose(-1, -2)

    assert rows(analyze(Latent(), "4x8")) == [
        ("q", 0, "linear", 48, 384, 64),
        ("k", 0, "linear", 32, 256, 64),
        ("", 0, "matmul", 24, 192, 0),
    ]


def test_network_over_a_constant_as_position_bias() -> None:
    class PositionBias(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("places", torch.rand(5, 2))
            self.net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.LayerNorm(4), nn.Linear(4, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.net(self.places)

    assert rows(analyze(PositionBias(), "5x3")) == [
        ("net.0", 0, "linear", 20, 40, 8),
        ("net.3", 0, "linear", 15, 60, 12),
    ]


def test_input_written_into_a_copy_of_a_parameter() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.layer = nn.Parameter(torch.rand(1, 1, 4)), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = self.token.repeat(1, 10, 1)
            tokens[:, :5] = x
            return self.layer(tokens) + (tokens @ x.transpose(1, 2)).sum()

    report = analyze(Masked(), "5x4")
    assert rows(report) == [("layer", 0, "linear", 20, 80, 8), ("", 0, "matmul", 50, 200, 0)]
    assert (report.totals.biases, report.totals.other_parameters) == (2, 4)


def test_experts_that_the_input_chooses() -> None:
    class Gathered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.router, self.experts = nn.Linear(8, 4, bias=False), nn.Parameter(torch.rand(4, 8, 16))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            chosen = self.router(x).topk(2, -1).indices
            return torch.einsum("btd,btkdf->btkf", x, self.experts[chosen])

    report = analyze(Gathered(), "5x8")
    assert rows(report) == [
        ("router", 0, "linear", 20, 160, 32),
        ("", 0, "linear", 5 * 2 * 16, 5 * 2 * 16 * 8, 4 * 8 * 16),
    ]
    assert [row.operation.partition(", ")[2] for row in report.rows] == ["", "weights chosen by values"]


def test_stacked_parameters_are_each_counted_once() -> None:
    class Stacked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList(nn.Linear(4, 5, bias=False) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            weights = torch.stack([expert.weight for expert in self.experts])
            return sum(F.linear(x, weight) for weight in weights)

    assert [row.weights for row in analyze(Stacked(), "4").rows] == [20, 20, 20]


def test_inference_mode_does_not_take_operations_apart() -> None:
    class Inference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lstm = nn.Conv1d(3, 4, 3), nn.LSTM(4, 2, batch_first=True)

        @torch.inference_mode()
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.einsum("blh,bkh->blk", *[self.lstm(self.conv(x).transpose(1, 2))[0]] * 2)

    expected = [("conv", 0, "conv", 24, 216, 36), ("lstm", 0, "recurrent", 48, 288, 48), ("", 0, "matmul", 36, 72, 0)]
    report = analyze(Inference(), "3x8")
    assert (rows(report), report.uncounted) == (expected, ())
    with torch.inference_mode():
        assert rows(analyze(nn.Conv1d(3, 4, 3), "3x8")) == [("", 0, "conv", 24, 216, 36)]


def test_masks_in_place_are_known() -> None:
    class InPlace(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.clone().masked_fill_(x > 0.5, 0.0).abs_().clamp_(0, 1)

    assert analyze(InPlace(), "4").uncounted == ()


@pytest.mark.parametrize("verify", [True, False])
def test_networks_on_the_meta_device(verify: bool) -> None:
    model = nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4)).to("meta")
    report = analyze(model, "3x8", verify=verify)
    assert rows(report) == [("0", 0, "conv", 24, 216, 36)]
    assert all(parameter.is_meta for parameter in model.parameters())


def test_a_position_embedding_of_as_many_elements_is_no_bias() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.position = nn.Linear(6, 8, bias=False), nn.Parameter(torch.rand(8, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x) + self.position

    report = analyze(Positions(), "8x6")
    assert (report.totals.biases, report.totals.other_parameters) == (0, 8)


def test_a_bias_added_by_hand_to_a_convolution() -> None:
    class Biased(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bias = nn.Conv2d(3, 4, 3, bias=False), nn.Parameter(torch.rand(1, 4, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x) + self.bias

    assert analyze(Biased(), "3x5x5").totals.biases == 4


def test_a_network_that_takes_nothing() -> None:
    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self) -> torch.Tensor:
            return self.layer(torch.randn(1, 4))

    report = netsize.analyze(Generator(), device="cpu")
    assert (report.input, rows(report)) == ((), [("layer", 0, "linear", 2, 8, 8)])
