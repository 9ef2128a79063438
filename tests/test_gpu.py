"""The same counts on a GPU, by really running there."""

import pytest
import torch
from test_operations import CASES, rows
from test_zoo import SPREAD, TOTALS, agrees

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


def test_layer_by_layer_on_the_gpu() -> None:
    """A network that is larger than its limit: each layer's parameters are on the GPU for its own operation only."""
    from netsize.api import examine
    from netsize.count import count

    report = count(examine("alexnet", device="cuda", limit=400 * 2**20))
    assert report.verification.piecewise == 4 * 61_100_840
    assert report.verification.problems == ()
    agrees("alexnet", report)


def test_receptive_fields_of_a_network_on_the_gpu() -> None:
    report = netsize.analyze("resnet18", device="cuda", receptive_field=True)
    assert report.verification.problems == ()
    assert all(row.field_verified == "passed" for row in report.rows if row.field and not row.field.whole)
