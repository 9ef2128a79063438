"""Products of every kind beside plain ones: groups (mixtures of experts), deformable and time-first convolutions,
recurrent layers in one kernel, bodies of higher-order operators, operations of somebody's own; and what multiplies
without being a product."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.ops import DeformConv2d

import netsize
from netsize.lecture.derivation import derive
from netsize.trace import others

FEW = settings(max_examples=25, deadline=None)


def ends(*places: int) -> torch.Tensor:
    return torch.tensor(places, dtype=torch.int32)


class Function(nn.Module):
    """One function of the input and of parameters of these shapes."""

    def __init__(self, function, *shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList(nn.Parameter(torch.rand(shape)) for shape in shapes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, *self.weights)


class Routed(nn.Module):
    """A mixture of `experts`, `k` for each token. `how` they are executed is spelled in two ways. gpt-oss has a bias
    for each expert, chosen as the matrices are."""

    def __init__(self, how: str, experts: int = 4, k: int = 2, bias: bool = False) -> None:
        super().__init__()
        self.how, self.k = how, k
        self.gate = nn.Linear(8, experts, bias=False)
        self.up = nn.Parameter(torch.rand(experts, 8, 16))
        self.bias = nn.Parameter(torch.rand(experts, 16)) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.flatten(0, 1)
        chosen = self.gate(tokens).topk(self.k, -1).indices.flatten()
        if self.how == "gathered":
            rows = tokens.repeat_interleave(self.k, 0)
            return torch.bmm(rows[:, None], self.up[chosen])
        order = chosen.argsort()
        last = torch.histc(chosen.float(), self.up.shape[0], 0, self.up.shape[0] - 1).cumsum(0).int()
        made = torch._grouped_mm(tokens[order // self.k], self.up, offs=last)
        return made if self.bias is None else made + self.bias[chosen[order]]


class Deformable(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, modulated: bool = False, **settings) -> None:
        super().__init__()
        self.offsets = nn.Conv2d(inputs, 2 * kernel**2, kernel, **settings)
        self.mask = nn.Conv2d(inputs, kernel**2, kernel, **settings) if modulated else None
        self.conv = DeformConv2d(inputs, outputs, kernel, **settings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x, self.offsets(x), self.mask(x).sigmoid() if self.mask else None)


class Sequence(nn.Module):
    def __init__(self, kind: type[nn.RNNBase], **settings) -> None:
        super().__init__()
        self.layer = kind(6, 8, batch_first=True, **settings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


class HigherOrder(nn.Module):
    """An operator of torch's that takes functions."""

    def __init__(self, body) -> None:
        super().__init__()
        self.body, self.layer, self.other = body, nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self, x)


def scan(net, x):
    from torch._higher_order_ops.scan import scan

    def step(state, u):
        state = torch.tanh(net.layer(state) + u)
        return state, state.clone()

    return scan(step, x.new_zeros(x.shape[0], 4), x.transpose(0, 1))[1]


def associative(net, x):
    from torch._higher_order_ops.associative_scan import associative_scan

    return associative_scan(lambda a, b: a + b, net.layer(x), dim=1, combine_mode="generic")


def mapped(net, x):
    from torch._higher_order_ops.map import map as each

    return each(lambda u: net.layer(u), x)


def loop(net, x):
    from torch._higher_order_ops.while_loop import while_loop

    return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, net.layer(x)), (torch.tensor(0), x))[1]


def branch(net, x):
    return torch.cond(x.sum() > -1, lambda x: net.layer(x), lambda x: net.other(net.layer(x)), (x,))


def flex(net, x):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    heads = net.layer(x)[:, None]
    mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, 6, 6, device=x.device)
    return flex_attention(heads, heads, heads, score_mod=lambda score, b, h, i, j: score + i - j, block_mask=mask)


def exported() -> nn.Module:
    return torch.export.export(HigherOrder(branch), (torch.rand(1, 5, 4),)).module()


grouped = torch._grouped_mm  # torch 2.9 has no other name for it
# network, input, units, connections, weights
CASES = {
    # 12 rows (6 tokens, 2 experts each) of 8 inputs and 16 outputs; the gate: 6 x 4 x 8
    "experts in groups": (Routed("grouped"), "6x8", 24 + 12 * 16, 192 + 12 * 8 * 16, 32 + 4 * 8 * 16),
    "experts gathered": (Routed("gathered"), "6x8", 24 + 12 * 16, 192 + 12 * 8 * 16, 32 + 4 * 8 * 16),
    "groups of rows": (Function(lambda x, w: grouped(x[0], w, offs=ends(2, 2, 5)), (3, 4, 8)), "5x4", 40, 160, 96),
    "matrices that lie the other way": (
        Function(lambda x, w: grouped(x[0], w.transpose(1, 2), offs=ends(2, 2, 5)), (3, 8, 4)), "5x4", 40, 160, 96,
    ),
    "3 of 8 rows belong to no group": (
        Function(lambda x, w: grouped(x[0], w, offs=ends(2, 2, 5))[:5], (3, 4, 8)), "8x4", 40, 160, 96,
    ),
    "groups of columns": (
        Function(lambda x, w: grouped(w, x[0].t().contiguous(), offs=ends(4, 8)), (2, 3, 4)), "8x4", 24, 96, 24,
    ),
    # each group of the inner axis has a product of its own: 3 x (2 + 0 + 6) x 4, in 3 x (3 x 4) units
    "groups of the inner axis": (
        Function(lambda x: grouped(x[0].t(), x[0, :, :4], offs=ends(2, 2, 8))), "8x4", 48, 128, 0,
    ),
    "a matrix for each matrix": (Function(lambda x, w: grouped(x[0], w), (3, 4, 8)), "3x2x4", 48, 192, 96),
    # 2,056 is more than bfloat16 adds up exactly, and none of its numbers
    "half of the precision": (
        Function(lambda x, w: grouped(x[0].bfloat16(), w.bfloat16(), offs=ends(2, 2, 5)), (3, 2056, 8)),
        "5x2056", 40, 40 * 2056, 3 * 2056 * 8,
    ),
    "half of the precision, groups of the inner axis": (
        Function(lambda x: grouped(x[0].bfloat16().t(), x[0].bfloat16(), offs=ends(200, 200, 304))),
        "600x8", 3 * 64, 64 * 304, 0,
    ),
    # a plain convolution's, and those of the offsets: 2 for each of 9 taps
    "deformable": (Deformable(4, 6, 3, padding=1), "4x8x8", 64 * 24, 64 * (18 + 6) * 36, (18 + 6) * 36),
    "deformable, modulated, stride 2": (
        Deformable(4, 6, 3, True, padding=1, stride=2), "4x8x8", 16 * 33, 16 * 33 * 36, 33 * 36,
    ),
    "time first": (
        Function(lambda x, w, b: torch.conv_tbc(x.transpose(0, 1), w, b, 1), (3, 4, 6), (6,)), "10x4", 60, 720, 72,
    ),
    # 4 gates of 8, 5 steps, 6 + 8 inputs
    "scripted LSTM": (torch.jit.script(Sequence(nn.LSTM)), "5x6", 160, 160 * 14, 448),
    "traced LSTM, two directions": (
        torch.jit.trace(Sequence(nn.LSTM, bidirectional=True).eval(), torch.rand(1, 5, 6)), "5x6", 320, 320 * 14, 896,
    ),
    "scripted GRU": (torch.jit.script(Sequence(nn.GRU)), "5x6", 2 * 120, 120 * 14, 24 * 14),
    "scan": (HigherOrder(scan), "6x4", 24, 96, 16),
    "associative scan": (HigherOrder(associative), "6x4", 24, 96, 16),
    "map": (HigherOrder(mapped), "6x4", 24, 96, 16),
    "while loop": (HigherOrder(loop), "6x4", 3 * 24, 3 * 96, 16),
    "branch": (HigherOrder(branch), "6x4", 24, 96, 16),
    "branch of an exported program": (exported(), "5x4", 20, 80, 16),
    # all 36 pairs: on a CPU the mask is added, not used to leave any out
    "attention with a function of its scores": (HigherOrder(flex), "6x4", 24 + 36 + 24, 96 + 2 * 36 * 4, 16),
    "8 bits, floating": (
        Function(lambda x: torch._scaled_mm(
            x[0].to(torch.float8_e4m3fn), torch.ones(16, 32).to(torch.float8_e4m3fn).t(), scale_a=torch.ones(()),
            scale_b=torch.ones(()), out_dtype=torch.bfloat16,
        )),
        "32x32", 32 * 16, 32 * 32 * 16, 0,
    ),
    "weights of 8 bits": (
        Function(lambda x: torch._weight_int8pack_mm(
            x[0].bfloat16(), torch.ones(16, 32, dtype=torch.int8), torch.ones(16, dtype=torch.bfloat16),
        )),
        "4x32", 4 * 16, 4 * 32 * 16, 0,
    ),
    "8 bits": (
        Function(lambda x: torch._int_mm(x[0].to(torch.int8), torch.ones(32, 16, dtype=torch.int8))),
        "32x32", 32 * 16, 32 * 32 * 16, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("verify", [True, False], ids=["verified", "without values"])
@pytest.mark.parametrize("name", CASES)
def test_counted_by_hand(name: str, verify: bool) -> None:
    model, shape, *expected = CASES[name]
    report = netsize.analyze(model, shape, device="cpu", verify=verify)
    totals = report.totals
    assert [totals.units, totals.connections, totals.weights] == expected
    assert report.verification.problems == ()
    assert report.verification.status == ("passed" if verify else "skipped")
    assert report.complete


BODIES = {
    "scan": scan,
    "associative scan": associative,
    "map": mapped,
    "while loop": loop,
    "branch": branch,
    "flex": flex,
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_compute_what_torch_computes(name: str) -> None:
    from netsize.trace.higher_order import Bodies

    model, x = HigherOrder(BODIES[name]), torch.rand(1, 6, 4)
    with torch.no_grad():
        expected = model(x)
        with Bodies(), torch.compiler.set_stance("force_eager"):
            found = model(x)
    torch.testing.assert_close(found, expected)


def test_nothing_is_compiled_that_the_compiler_was_not_there_for(netsize, tmp_path: Path) -> None:
    """torch.cond asks for the compiler when it is called: in a process that has none yet."""
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.layer = nn.Linear(4, 2)\n"
        "    def forward(self, x):\n"
        "        return torch.cond(x.sum() > 0, lambda x: self.layer(x), lambda x: -self.layer(x), (x,))\n"
    )
    done = netsize("net.py:Net", "--input", "4", "--device", "cpu", "--json")
    assert (done.status, json.loads(done.stdout)["totals"]["connections"]) == (0, 8)


def test_quantized_layers_of_one_dimension() -> None:
    """They are packed as layers of two."""
    import torch.ao.nn.quantized as quantized

    layers = (quantized.Quantize(0.1, 0, torch.quint8), quantized.Conv1d(2, 3, 5, stride=2, padding=1))
    report = netsize.analyze(nn.Sequential(*layers, quantized.DeQuantize()), "2x11", device="cpu")
    plain = netsize.analyze(nn.Conv1d(2, 3, 5, stride=2, padding=1), "2x11", device="cpu")
    assert (report.verification.problems, report.uncounted) == ((), ())
    row, expected = report.rows[0], plain.rows[0]
    for what in ("operation", "output", "units", "connections", "padding_connections", "weights", "biases"):
        assert getattr(row, what) == getattr(expected, what), what


class Cudnn(nn.Module):
    """A recurrent network as a scripted one is executed on a GPU: all layers and directions in one kernel."""

    MODES = {nn.RNN: 1, nn.LSTM: 2, nn.GRU: 3}

    def __init__(self, cell: type[nn.RNNBase], **settings: Any) -> None:
        super().__init__()
        self.network = cell(3, 4, batch_first=True, **settings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        net, mode = self.network, self.MODES[type(self.network)]
        deep = net.num_layers * (2 if net.bidirectional else 1)
        state = x.new_zeros(deep, len(x), net.proj_size or net.hidden_size)
        cell = x.new_zeros(deep, len(x), net.hidden_size) if mode == 2 else None
        weights = net._flat_weights
        settings = (mode, net.hidden_size, net.proj_size, net.num_layers, True, 0.0, False, net.bidirectional, [], None)
        return torch.ops.aten._cudnn_rnn(x, weights, len(weights) // deep, None, state, cell, *settings)[0]


RECURRENT = [
    (cell, {"num_layers": layers, "bidirectional": two, "bias": bias} | ({"proj_size": 2} if projected else {}))
    for cell in (nn.LSTM, nn.GRU, nn.RNN)
    for layers, two, bias in ((1, False, True), (3, False, False), (1, True, False), (3, True, True))
    for projected in ((False, True) if cell is nn.LSTM else (False,))
]


@pytest.mark.parametrize("cell, how", RECURRENT)
def test_a_recurrent_network_in_one_kernel_has_the_rows_of_its_layers(cell: type[nn.RNNBase], how: Any) -> None:
    """Its kernel is a GPU's, and only its shapes are known here; `tests/test_gpu.py` runs it."""
    network = Cudnn(cell, **how)
    report = netsize.analyze(network, "5x3", device="cpu", verify=False)
    expected = netsize.analyze(network.network, "5x3", device="cpu")  # product by product
    assert expected.verification.status == "passed"
    told = ("operation", "output", "units", "connections", "weights", "biases")
    assert [[getattr(row, key) for key in told] for row in report.rows] == [
        [getattr(row, key) for key in told] for row in expected.rows
    ]
    assert (report.depth, report.uncounted, report.unused) == (expected.depth, (), ())


@pytest.mark.parametrize("held", ["buffer", "parameter"])
@pytest.mark.parametrize("verify", [True, False])
def test_weights_of_four_bits_count_by_their_logical_number(held: str, verify: bool) -> None:
    """32 x 64 of them take 1,024 bytes, two in each."""
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(torch.randint(0, 16, (32, 64), dtype=torch.int32), 2)
    scales = torch.ones(2, 32, 2, dtype=torch.bfloat16)
    layer = Function(lambda x: torch._weight_int4pack_mm_for_cpu(x[0].bfloat16(), layer.packed, 32, scales))
    if held == "buffer":
        layer.register_buffer("packed", packed)
    else:
        layer.packed = nn.Parameter(packed, requires_grad=False)
    report = netsize.analyze(layer, "5x64", device="cpu", verify=verify)
    assert (report.verification.problems, report.uncounted, report.unused) == ((), (), ())
    totals = report.totals
    assert (totals.connections, totals.weights, totals.parameters) == (5 * 2048, 2048, 2048)
    assert dict(report.storage) == {"uint8": 1024}


def test_one_row_for_a_recurrent_layer_in_one_kernel() -> None:
    report = netsize.analyze(torch.jit.script(Sequence(nn.LSTM)), "5x6", device="cpu")
    assert [(row.path, row.kind, row.weights, row.biases) for row in report.rows] == [("layer", "recurrent", 448, 64)]


def test_attention_with_a_function_of_its_scores_is_attention() -> None:
    report = netsize.analyze(HigherOrder(flex), "6x4", device="cpu")
    assert [row.kind for row in report.rows] == ["linear", "attention", "attention"]


def test_what_a_branch_leaves_open_is_said() -> None:
    """Counted is the branch that is taken; values decide, and the other one's parameters are not used."""
    for verify in (True, False):
        report = netsize.analyze(HigherOrder(branch), "6x4", device="cpu", verify=verify)
        text = str(report)
        assert "unused in a forward pass: 16 parameters of other" in text
        assert "aten._local_scalar_dense" in text


# experts, of which each token goes through k: all parameters but (experts - k) / experts of theirs
ACTIVE = {
    "2 of 4": (Routed("grouped"), 32 + 512, 32 + 256, "2 of 4"),
    "1 of 8": (Routed("grouped", 8, 1), 64 + 1024, 64 + 128, "1 of 8"),
    "gathered": (Routed("gathered"), 32 + 512, 32 + 256, "2 of 4"),
    "with biases of their own": (Routed("grouped", bias=True), 32 + 512 + 64, 32 + 256 + 32, "2 of 4"),
}


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", ACTIVE)
def test_active_parameters(name: str, verify: bool) -> None:
    model, parameters, active, told = ACTIVE[name]
    report = netsize.analyze(model, "6x8", device="cpu", verify=verify)
    assert (report.totals.parameters, report.totals.active_parameters) == (parameters, active)
    assert report.totals.biases == (64 if model.bias is not None else 0)
    assert f"{active:,} active parameters: each token goes through {told} experts" in str(report)
    assert json.loads(report.to_json())["totals"]["active_parameters"] == active


def test_without_a_router_no_parameters_are_called_active() -> None:
    """Whoever puts all rows through one of the groups, or all groups through topk, has no experts to choose from."""
    for model in (CASES["groups of rows"][0], Routed("grouped", experts=4, k=4)):
        report = netsize.analyze(model, "5x4" if model is CASES["groups of rows"][0] else "6x8", device="cpu")
        assert report.totals.active_parameters == report.totals.parameters
        assert "active_parameters" not in json.loads(report.to_json())["totals"]


# trained layers: connections once more for the inputs and for the weights
TRAINED = {
    "experts": (nn.Sequential(nn.Linear(8, 8), Routed("grouped", bias=True)), "6x8",
                6 * 64 + 192 + 12 * 8 * 16, 6 * 64 + 12 * 8 * 16),  # nothing flows back through topk
    "deformable": (nn.Sequential(nn.Conv2d(2, 4, 1), Deformable(4, 6, 3, True, padding=1)), "2x5x5",
                   25 * 4 * 2 + 25 * 33 * 36, 25 * 4 * 2 + 25 * 33 * 36),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAINED)
def test_backward_goes_through_each_connection_twice(name: str) -> None:
    model, shape, connections, trained = TRAINED[name]
    training = netsize.training(model, shape, batch=4, device="cpu")
    assert (training.problems, training.unattributed) == ((), 0)
    assert (training.total("forward"), training.total("backward_weights")) == (connections, trained)


@FEW
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_random_groups(rows: int, inner: int, columns: int, sizes: list[int]) -> None:
    """Against the products of the groups, one by one."""
    inner, columns, total = 4 * inner, 4 * columns, sum(sizes)
    last = torch.tensor(sizes, dtype=torch.int32).cumsum(0).int()
    model = Function(lambda x, w: grouped(x[0], w, offs=last), (len(sizes), inner, columns))
    report = netsize.analyze(model, (total + rows, inner), device="cpu")
    assert report.verification.problems == ()
    assert report.totals.connections == sum(n * inner * columns for n in sizes)
    assert report.totals.weights == len(sizes) * inner * columns


@FEW
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.integers(1, 2))
def test_random_deformable_convolutions(
    inputs: int, outputs: int, kernel: int, padding: int, stride: int, dilation: int
) -> None:
    """Against a plain convolution in its place."""
    more = {"padding": padding, "stride": stride, "dilation": dilation}
    report = netsize.analyze(Deformable(inputs, outputs, kernel, **more), (inputs, 7, 6), device="cpu")
    plain = netsize.analyze(nn.Conv2d(inputs, outputs, kernel, **more), (inputs, 7, 6), device="cpu")
    row = report.rows[-1]
    assert report.verification.problems == ()
    assert (row.units, row.connections, row.weights, row.biases) == (
        plain.totals.units, plain.totals.connections, plain.totals.weights, plain.totals.biases,
    )  # fmt: skip


@FEW
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(4, 9))
def test_random_time_first_convolutions(inputs: int, outputs: int, kernel: int, padding: int, length: int) -> None:
    """Against the same with channels first."""
    model = Function(
        lambda x, w, b: torch.conv_tbc(x.transpose(0, 1), w, b, padding), (kernel, inputs, outputs), (outputs,)
    )
    report = netsize.analyze(model, (length, inputs), device="cpu")
    plain = netsize.analyze(nn.Conv1d(inputs, outputs, kernel, padding=padding), (inputs, length), device="cpu")
    found, expected = (
        (r.rows[0].units, r.rows[0].connections, r.rows[0].padding_connections, r.rows[0].weights, r.rows[0].biases)
        for r in (report, plain)
    )
    assert report.verification.problems == ()
    assert found == expected


def test_a_field_goes_through_time_first_convolutions_and_not_through_deformable_ones() -> None:
    first = Function(lambda x, w, b: torch.conv_tbc(x.transpose(0, 1), w, b, 1).transpose(0, 1), (3, 4, 6), (6,))
    report = netsize.analyze(nn.Sequential(first, nn.Linear(6, 2)), "10x4", device="cpu", receptive_field=True)
    assert report.verification.problems == ()
    assert report.rows[0].field.size == (3,)
    assert netsize.analyze(Deformable(2, 3, 3), "2x9x9", device="cpu", receptive_field=True).rows[-1].field is None


# what multiplies, and is no product: kind, calls, multiplications
BESIDES = {
    # 3 transforms of 16 numbers: 16 x 4 each
    "Fourier transform": (lambda x: torch.fft.rfft(x), "3x16", [("Fourier transforms", 1, 3 * 64)]),
    "of two axes, there and back": (
        lambda x: torch.fft.irfft2(torch.fft.rfft2(x)), "4x8", [("Fourier transforms", 1, 32 * 5)] * 2,
    ),
    "triangular system": (
        lambda x: torch.linalg.solve_triangular(torch.eye(4) + x[:, :, :4].tril(), x[:, :, :3], upper=False), "4x6",
        [("linear algebra", 1, 16 * 3 // 2)],
    ),
    "inverse": (lambda x: torch.linalg.inv(x + torch.eye(4)), "2x4x4", [("linear algebra", 1, 2 * 64)]),
    "eigenvalues": (lambda x: torch.linalg.eigvalsh(x + x.mT), "4x4", [("linear algebra", 1, None)]),
    "a sum of products by hand": (lambda x: (x[..., None] * x[:, None]).sum(-1), "5x5", [("products by hand", 1, 125)]),
    "through a view": (lambda x: (x * x.flip(1)).view(1, 20).sum(1), "5x4", [("products by hand", 1, 20)]),
    "a square is none, nor is a scale": (
        lambda x: (x * x).sum() + (x * 2).sum() + (x * torch.ones(1)).sum(), "5x4", [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDES)
def test_what_multiplies_beside_products_is_told(name: str) -> None:
    function, shape, expected = BESIDES[name]
    for verify in (True, False):
        report = netsize.analyze(Function(function), shape, device="cpu", verify=verify)
        assert sorted((b.kind, b.calls, b.multiplications) for b in report.besides) == expected
        assert (report.complete, report.totals.connections) == (True, 0)
        assert json.loads(report.to_json())["besides"] == [vars(beside) for beside in report.besides]


@pytest.mark.parametrize("name", others._ALGEBRA)
def test_linear_algebra_is_read_by_names_that_torch_has(name: str) -> None:
    """What is read of the arguments is among those of the operation: matrices of 4 x 4 in their place give a number."""
    packet = getattr(torch.ops.aten, name.removeprefix("aten."))
    given = dict.fromkeys((argument.name for argument in packet.default._schema.arguments), torch.ones(4, 4))
    number = others._ALGEBRA[name](given)
    assert number is None or 0 < number <= 4 * 4**3


ONE_NUMBER = {
    "max": lambda number: number.max(0).values, "topk": lambda number: number.topk(1).values,
    "argmax": lambda number: number.argmax(0), "softmax": lambda number: number.softmax(0),
    "cumsum": lambda number: number.cumsum(0), "sum": lambda number: number.sum(0),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_one_number_has_an_axis_in_name_only(name: str) -> None:
    """And the largest of it is no choice of an expert."""
    function = ONE_NUMBER[name]
    report = netsize.analyze(Function(lambda x, w: function((x @ w).sum()) * (x @ w), (4, 2)), "4", device="cpu")
    assert (report.totals.connections, report.totals.active_parameters) == (16, 8)


def test_what_multiplies_beside_products_stands_below_the_table() -> None:
    text = str(netsize.analyze(Function(lambda x: torch.fft.fft(x) + torch.linalg.eigvalsh(x)), "4x4", device="cpu"))
    assert "Fourier transforms (1x): about 32 multiplications, which are no connections" in text
    assert "linear algebra (1x): as many as the values decide in aten._linalg_eigh, which are no connections" in text


class FewBits(torch.Tensor):
    """Numbers of 8 bits and a scale for each row: a parameter that is made of two tensors (torchao's are such)."""

    @staticmethod
    def __new__(cls, numbers: torch.Tensor, scale: torch.Tensor):
        return torch.Tensor._make_wrapper_subclass(cls, numbers.shape, dtype=scale.dtype, requires_grad=False)

    def __init__(self, numbers: torch.Tensor, scale: torch.Tensor) -> None:
        self.numbers, self.scale = numbers, scale

    def __tensor_flatten__(self):
        return ["numbers", "scale"], None

    @staticmethod
    def __tensor_unflatten__(parts, *_):
        return FewBits(**parts)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is F.linear:
            x, weight, bias = (*args, None)[:3]
            return F.linear(x, weight.numbers.to(x.dtype)) * weight.scale + bias
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.detach.default:
            return FewBits(args[0].numbers, args[0].scale)
        raise NotImplementedError(f"{func} of few bits")


def test_parameters_that_are_made_of_several_tensors() -> None:
    """Logical weights, as many as the network has; and the network is left as it was."""
    layer = nn.Linear(6, 4)
    numbers, scale = torch.ones(4, 6, dtype=torch.int8), torch.rand(4)
    layer.weight = nn.Parameter(FewBits(numbers, scale), requires_grad=False)
    weight = layer.weight
    for verify in (True, False):
        report = netsize.analyze(layer, "3x6", device="cpu", verify=verify)
        totals = report.totals
        assert (totals.connections, totals.weights, totals.parameters) == (3 * 24, 24, 28)
        assert (report.verification.problems, report.unused, report.uncounted) == ((), (), ())
        assert dict(report.storage) == {"int8": 24, "float32": 4 * 4 + 4 * 4}  # scales and biases
    assert layer.weight is weight and weight.numbers is numbers and weight.scale is scale


@torch.library.custom_op("netsize_tests::weighted", mutates_args=())
def weighted(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    made = x @ weight
    return made if bias is None else made + bias


@weighted.register_fake
def _(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return x.new_empty(*x.shape[:-1], weight.shape[1])


def own() -> nn.Module:
    return Function(lambda x, w, b: torch.ops.netsize_tests.weighted(x, w, b), (6, 5), (5,))


def test_an_operation_of_somebodys_own() -> None:
    """Named with its shapes until it has a formula; then counted, and held against what it puts out on ones."""
    before = netsize.analyze(own(), "3x6", device="cpu")
    assert [(u.operation, u.calls, u.shapes) for u in before.uncounted] == [
        ("netsize_tests.weighted", 1, "1x3x6 and 6x5 and 5 -> 1x3x5")
    ]
    netsize.formula("netsize_tests::weighted")(lambda x, weight, bias: weight.shape[0])
    for verify in (True, False):
        report = netsize.analyze(own(), "3x6", device="cpu", verify=verify)
        row = report.rows[0]
        assert (row.units, row.fan_in, row.connections, row.weights, row.biases) == (15, 6, 90, 30, 5)
        assert (row.operation, report.verification.problems) == ("custom netsize_tests::weighted", ())
    netsize.formula("netsize_tests::weighted")(lambda x, weight, bias: weight.shape[1])
    wrong = netsize.analyze(own(), "3x6", device="cpu").verification.problems
    assert "weights.0: connections: 75 by formula, 90 by running it on ones" in wrong


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("weighted", "weighted has no namespace: an operation is called mylib::op"),
        ("aten::mm", "netsize has a formula for aten::mm already"),
    ],
)
def test_formulas_that_are_refused(name: str, said: str) -> None:
    with pytest.raises(netsize.NetsizeError, match=said):
        netsize.formula(name)


DERIVED = {
    "groups of rows": "units rows * columns = 5 * 8 = 40",
    "groups of columns": "weights elements of the left operand = 2 * 4 * 3 = 24",
    "groups of the inner axis": "connections rows * inner axis * columns = 4 * 8 * 4 = 128",
    "deformable": "its places are moved by what the network computes; that they are interpolated is not counted",
}


@pytest.mark.parametrize("name", DERIVED)
def test_derivations(name: str) -> None:
    from netsize.run.examination import examine

    model, shape, *_ = CASES[name]
    formula = examine(model, shape, device="cpu").calls[-1].formula
    assert DERIVED[name] in [f"{step.what} {step}".strip() for step in derive(formula)]


def test_distributed_parameters_are_whole() -> None:
    """On a mesh of one: what works out shards on shapes beside the pass executes nothing."""
    from torch import distributed
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))
        parallelize_module(model, init_device_mesh("cpu", (1,)), {"0": ColwiseParallel(), "2": RowwiseParallel()})
        for verify in (True, False):
            report = netsize.analyze(model, "3x6", device="cpu", verify=verify)
            totals = report.totals
            assert (totals.connections, totals.weights, totals.biases) == (3 * (48 + 32), 80, 12)
            assert (report.verification.problems, report.unused, report.uncounted) == ((), (), ())
    finally:
        distributed.destroy_process_group()
