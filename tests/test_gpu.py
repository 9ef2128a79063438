"""The same counts on a GPU, by really running there."""

from pathlib import Path

import pytest
import torch
import torchvision
from test_operations import CASES, rows
from test_products import RECURRENT
from test_torchvision import SPREAD, TOTALS, agrees
from torch import nn

import netsize

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", CASES)
def test_counted_by_hand(name: str) -> None:
    model, shape, expected = CASES[name]
    report = netsize.analyze(model, shape, device="cuda")
    assert rows(report) == expected
    assert report.verification.problems == ()
    assert (report.verification.status, report.verification.device) == ("passed", "cuda")


@pytest.mark.parametrize("name", [*TOTALS, *SPREAD])
def test_torchvision(name: str) -> None:
    report = netsize.analyze(name, device="cuda")
    agrees(name, report)
    assert report.verification.problems == ()
    assert report.verification.device == "cuda"


def test_auto_is_the_gpu_and_random_state_is_kept() -> None:
    before = torch.cuda.get_rng_state()
    assert netsize.analyze("squeezenet1_1").verification.device == "cuda"
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype) -> None:
    report = netsize.analyze(torch.nn.Conv2d(64, 64, 3, padding=1).to(dtype), "64x56x56", device="cuda")
    assert report.verification.problems == ()


def test_layer_by_layer_on_the_gpu(tmp_path: Path) -> None:
    """A network that is larger than its limit: each layer's parameters are on the GPU for its own operation only."""
    from netsize.results.count import count
    from netsize.run.examination import examine

    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef net(): return nn.Sequential(*(nn.Linear(2048, 2048) for _ in range(8)))\n"
    )
    report = count(examine(f"{tmp_path}/net.py:net", "2048", device="cuda", limit=60 * 2**20))
    assert report.verification.piecewise == 4 * 8 * (2048 + 1) * 2048
    assert report.verification.problems == ()
    assert report.totals.connections == 8 * 2048**2


def test_receptive_fields_of_a_network_on_the_gpu() -> None:
    report = netsize.analyze("resnet18", device="cuda", receptive_field=True)
    assert report.verification.problems == ()
    assert all(row.field_verified == "passed" for row in report.rows if row.field and not row.field.whole)


TRAINED = [
    "alexnet", "vgg11_bn", "vgg16", "resnet18", "resnet50", "wide_resnet50_2", "resnext50_32x4d", "densenet121",
    "googlenet", "inception_v3", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_large", "mnasnet1_0", "efficientnet_b0",
    "regnet_x_400mf", "regnet_y_400mf", "shufflenet_v2_x1_0", "convnext_tiny", "vit_b_16", "vit_b_32", "swin_t",
]  # fmt: skip


@pytest.mark.parametrize("amp", [False, True])
@pytest.mark.parametrize("name", TRAINED)
def test_training_step_is_as_predicted(name: str, amp: bool) -> None:
    """Bytes that are kept for backward equal. At the peak cuDNN's convolutions take memory of their own, which nobody
    predicts; between two operations it is given back, and what is alive there is within 0.5 %."""
    training = netsize.training(name, batch=32, amp=amp, device="cuda", measure=True)
    measured = training.measured
    assert measured is not None, training.failure
    assert measured.saved == training.parts["activations"]
    print(f"{name} {amp}: {training.peak.size} {measured.held} {measured.peak}")
    assert training.peak.size <= 1.01 * measured.peak
    assert 0.995 <= training.peak.size / measured.held <= 1.005


def test_the_largest_batch_runs_and_a_larger_one_does_not() -> None:
    limit = 16 * 2**30
    batch = netsize.training("vgg16", memory=limit, device="cuda").batch
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(limit / torch.cuda.get_device_properties(0).total_memory)
    try:
        assert runs(batch)
        assert not runs(batch * 11 // 10)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def runs(batch: int) -> bool:
    """Whether two training steps of VGG-16 do."""
    torch.cuda.empty_cache()
    try:
        model = torchvision.models.vgg16().cuda().train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        x = torch.rand(batch, 3, 224, 224, device="cuda")
        for _ in range(2):
            optimizer.zero_grad()
            model(x).sum().backward()
            optimizer.step()
    except torch.OutOfMemoryError:
        return False
    return True


class Experts(nn.Module):
    """Two products of groups, in a type that the kernels of a GPU take."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.up = nn.Parameter(torch.rand(4, 1024, 64, dtype=dtype))
        self.down = nn.Parameter(torch.rand(4, 64, 1024, dtype=dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ends = torch.tensor([16, 16, 48, 64], dtype=torch.int32, device=x.device)
        rows = x[0].to(self.up.dtype)
        return torch._grouped_mm(torch._grouped_mm(rows, self.up, offs=ends), self.down, offs=ends)


class Sequence(nn.Module):
    """Its last layer's outputs, and nothing of its states."""

    def __init__(self, network: nn.RNNBase) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)[0]


@pytest.mark.parametrize("cell, how", RECURRENT)
@pytest.mark.parametrize("script", [True, False])
def test_recurrent_networks_in_one_kernel(cell: type[nn.RNNBase], how: dict[str, object], script: bool) -> None:
    """Scripted and traced they are cuDNN's; product by product they are what they are on a CPU."""
    network = Sequence(cell(3, 4, batch_first=True, **how)).cuda().eval()
    example = torch.rand(1, 5, 3, device="cuda")
    compiled = torch.jit.script(network) if script else torch.jit.trace(network, example)
    report, expected = (netsize.analyze(net, "5x3", device="cuda") for net in (compiled, network))
    assert (report.verification.problems, expected.verification.problems) == ((), ())
    assert (report.uncounted, report.depth) == ((), expected.depth)
    assert any("_cudnn_rnn" in row.operation or row.kind == "recurrent" for row in report.rows)
    told = ("units", "connections", "weights", "biases")
    assert [[getattr(row, key) for key in told] for row in report.rows] == [
        [getattr(row, key) for key in told] for row in expected.rows
    ]


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_trained_recurrent_network(cell: type[nn.RNNBase]) -> None:
    """cuDNN keeps more for backward than it says."""
    network = Sequence(cell(3, 4, 2, batch_first=True))
    training = netsize.training(network, "5x3", batch=2, device="cuda", measure=True)
    assert (training.problems, training.failure) == ((), "")
    assert training.unpredicted == ("aten._cudnn_rnn",)
    assert training.measured is not None and training.measured.saved > training.parts["activations"]


class FewBits(nn.Module):
    """32 x 64 weights, eight in each number."""

    def __init__(self) -> None:
        super().__init__()
        numbers = torch.randint(0, 255, (32, 32), dtype=torch.uint8, device="cuda")
        self.register_buffer("packed", torch.ops.aten._convert_weight_to_int4pack(numbers, 2))
        self.register_buffer("scales", torch.ones(2, 32, 2, dtype=torch.bfloat16, device="cuda"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten._weight_int4pack_mm(x[0].bfloat16(), self.packed, 32, self.scales)


def test_weights_of_four_bits() -> None:
    report = netsize.analyze(FewBits(), "16x64", device="cuda")
    assert (report.verification.problems, report.uncounted) == ((), ())
    assert (report.totals.connections, report.totals.weights, dict(report.storage)) == (
        16 * 2048,
        2048,
        {"int32": 1024},
    )


class ScaledExperts(nn.Module):
    """Groups of rows in numbers of 8 bits, each with a scale for each row and each column."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 64, 32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ends = torch.tensor([16, 16, 48, 64], dtype=torch.int32, device=x.device)
        rows, matrix = x[0].to(torch.float8_e4m3fn), self.weight.mT.contiguous().mT.to(torch.float8_e4m3fn)
        scales = torch.ones(64, device=x.device), torch.ones(4, 32, device=x.device)
        return torch._scaled_grouped_mm(rows, matrix, *scales, offs=ends, out_dtype=torch.bfloat16)


def test_products_of_groups_in_eight_bits() -> None:
    if torch.cuda.get_device_capability() < (9, 0):
        pytest.skip("its kernel is one of newer GPUs")
    report = netsize.analyze(ScaledExperts(), "64x64", device="cuda")
    assert (report.verification.problems, report.uncounted) == ((), ())
    assert (report.totals.connections, report.totals.weights) == (64 * 64 * 32, 4 * 64 * 32)


def test_torchaos_weights_of_four_bits() -> None:
    quantization = pytest.importorskip("torchao.quantization", reason="torchao is not installed")
    layer = nn.Linear(1024, 128, device="cuda", dtype=torch.bfloat16)  # they are padded to 1,024
    how = quantization.Int4WeightOnlyConfig(group_size=32, int4_packing_format="tile_packed_to_4d")
    quantization.quantize_(layer, how)
    report = netsize.analyze(layer, "16x1024:bfloat16", device="cuda")
    assert (report.verification.problems, report.uncounted, report.unused) == ((), (), ())
    assert (report.totals.connections, report.totals.weights) == (16 * 1024 * 128, 1024 * 128)
    assert sum(dict(report.storage).values()) < 1024 * 128  # less than a byte for each


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_products_of_groups(dtype: torch.dtype) -> None:
    """A fan-in of 1,024 is more than bfloat16 adds up exactly: it is run on ones in pieces."""
    report = netsize.analyze(Experts(dtype), "64x1024", device="cuda")
    assert report.verification.problems == ()
    assert report.totals.connections == 2 * 64 * 1024 * 64
