"""torchvision's networks against torchvision's own numbers, and against published ones."""

from pathlib import Path

import pytest
import torchvision
from torchvision.models import get_model_weights

import netsize
from netsize.checks.cases import read_file
from netsize.sources.names import torchvision_models

FAMILIES = torchvision_models()
OTHER_TASKS = ("detection", "segmentation", "video", "optical_flow", "quantization")
CLASSIFICATION = [name for name, family in FAMILIES.items() if family not in OTHER_TASKS]
SPREAD = [
    "alexnet",
    "vgg11",
    "resnet18",
    "resnext50_32x4d",
    "densenet121",
    "googlenet",
    "inception_v3",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "mnasnet0_5",
    "efficientnet_b0",
    "convnext_tiny",
    "vit_b_32",
    "swin_t",
    "swin_v2_t",
    "maxvit_t",
    "regnet_y_400mf",
]
# googlenet: num_params leaves the auxiliary heads out, which an untrained network has (and never runs).
AUXILIARY = {"googlenet": 6_379_984, "quantized_googlenet": 6_379_984}
# Where torchvision's number leaves out the scales and shifts of batch norms that its weights come with frozen.
FROZEN = 53_120

# AlexNet: Krizhevsky 2014, layer by layer; VGG: Simonyan and Zisserman 2014, table 2, with kernels of 3x3.
ALEXNET = [
    (193_600, 70_276_800, 23_232),
    (139_968, 223_948_800, 307_200),
    (64_896, 112_140_288, 663_552),
    (43_264, 149_520_384, 884_736),
    (43_264, 99_680_256, 589_824),
    (4_096, 37_748_736, 37_748_736),
    (4_096, 16_777_216, 16_777_216),
    (1_000, 4_096_000, 4_096_000),
]
TOTALS = {
    # units, connections, weights, parameters
    "alexnet": (494_184, 714_188_480, 61_090_496, 61_100_840),
    "vgg16": (13_556_712, 15_470_264_320, 138_344_128, 138_357_544),
    "vgg19": (14_861_288, 19_632_062_464, 143_652_544, 143_667_240),
}


def published(name: str) -> dict:
    return get_model_weights(name).DEFAULT.meta


def agrees(name: str, report: netsize.Report) -> None:
    meta = published(name)
    assert round(report.totals.connections / 1e9, 3) == meta["_ops"]
    assert report.totals.parameters - AUXILIARY.get(name, 0) == meta["num_params"]
    assert sum(size for _, size in report.unused) == AUXILIARY.get(name, sum(size for _, size in report.unused))
    assert report.uncounted == ()


def test_names_are_those_that_torchvision_lists() -> None:
    assert list(FAMILIES) == torchvision.models.list_models()
    assert len(CLASSIFICATION) == 80


def test_every_network_is_held_against_torchvisions_numbers() -> None:
    """By `netsize check`: tests/checks runs it."""
    cases = read_file(Path(__file__).parents[2] / "configs" / "torchvision.toml")
    names = {name for name, family in FAMILIES.items() if family not in ("detection", "quantization")}
    assert {case.model for case in cases} == names and names.issuperset(CLASSIFICATION)
    assert [case.model for case in cases if case.published != "torchvision"] == ["googlenet"]


@pytest.mark.parametrize("name", SPREAD)
def test_classification_verified(name: str) -> None:
    report = netsize.analyze(name, device="cpu")
    agrees(name, report)
    assert report.verification.problems == ()
    assert report.verification.status == "passed"
    assert report.verification.verified == report.verification.layers > 0


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large", "r3d_18", "raft_small", "quantized_resnet18"])
def test_other_tasks_verified(name: str) -> None:
    report = netsize.analyze(name, device="cpu")
    agrees(name, report)
    assert report.verification.status == "passed"
    assert report.depends_on_values == ()


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family == "quantization"])
def test_quantized_networks_count_as_their_float_ones(name: str) -> None:
    report = netsize.analyze(name, verify=False)
    plain = netsize.analyze(name.removeprefix("quantized_"), verify=False)
    assert report.totals.connections == plain.totals.connections
    assert report.totals.weights == plain.totals.weights
    assert report.uncounted == ()


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "googlenet", "shufflenet_v2_x0_5"])
def test_quantized_networks_are_those_that_they_were_made_of(name: str) -> None:
    """Layer by layer: their weights are packed, but as many."""
    quantized = netsize.analyze(f"quantized_{name}", device="cpu", settings={"quantize": True}, pooling=True)
    plain = netsize.analyze(name, device="cpu", pooling=True)
    assert (quantized.verification.problems, quantized.uncounted, quantized.unused) == ((), (), ())
    for quantity in ("units", "connections", "weights"):
        assert getattr(quantized.totals, quantity) == getattr(plain.totals, quantity), quantity


# Published with trained weights: how many boxes survive is the same only where it is a fixed number.
@pytest.mark.parametrize("name", ["fasterrcnn_resnet50_fpn", "fcos_resnet50_fpn", "retinanet_resnet50_fpn"])
def test_detection_counts(name: str) -> None:
    report = netsize.analyze(name, verify=False)
    assert round(report.totals.connections / 1e9, 3) == published(name)["_ops"]
    assert report.totals.parameters == published(name)["num_params"] + FROZEN
    assert "torchvision.nms" in report.depends_on_values


@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_detection_verified(name: str) -> None:
    report = netsize.analyze(name, device="cpu")
    assert report.verification.problems == ()
    assert report.verification.status == "passed"
    assert "torchvision.nms" in report.depends_on_values


def test_alexnet_layer_by_layer() -> None:
    report = netsize.analyze("alexnet", device="cpu")
    assert [(row.units, row.connections, row.weights) for row in report.rows] == ALEXNET
    assert report.verification.verified == 8
    assert [row.label for row in report.rows] == [
        *(f"Convolution Layer {n}" for n in range(1, 6)),
        "Fully Connected Layer 1",
        "Fully Connected Layer 2",
        "Output Layer",
    ]
    assert [report.largest(q).path for q in ("units", "connections", "weights")] == [
        "features.0",
        "features.3",
        "classifier.1",
    ]


@pytest.mark.parametrize("name, layers", [("alexnet", 8), ("vgg16", 16), ("vgg19", 19)])
def test_published_totals(name: str, layers: int) -> None:
    report = netsize.analyze(name, device="cpu")
    totals = report.totals
    assert (totals.units, totals.connections, totals.weights, totals.parameters) == TOTALS[name]
    assert (report.verification.verified, report.verification.layers) == (layers, layers)


def test_vision_transformer_counts_its_attention() -> None:
    report = netsize.analyze("vit_b_16", verify=False)
    assert report.totals.connections == 17_563_828_224  # 16.85 G without attention, 11.27 G without MultiheadAttention
    attention = sum(row.connections for row in report.rows if row.kind == "attention")
    assert attention == 12 * 2 * 197 * 197 * 768  # 12 layers, scores and values, 197 tokens, 768 wide


# torchvision finds its `min_size` by trying, too.
@pytest.mark.parametrize(
    "name", ["alexnet", "vgg11", "densenet121", "googlenet", "inception_v3", "squeezenet1_1", "vit_b_32"]
)
def test_smallest_input_is_torchvisions_own(name: str) -> None:
    smallest = published(name)["min_size"][0]
    with pytest.raises(netsize.NetsizeError, match=f"the smallest square input is {smallest}x{smallest}"):
        netsize.analyze(name, f"3x{smallest - 1}x{smallest - 1}", device="cpu")
    assert netsize.analyze(name, f"3x{smallest}x{smallest}", verify=False).totals.units > 0
