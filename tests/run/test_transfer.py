"""Freezing, another classifier, a feature extractor, and what owns nothing: against torchvision and by hand."""

import json

import pytest
import torch
from torchvision.models import get_model
from torchvision.models.feature_extraction import create_feature_extractor

import netsize
from netsize.commands.cli import main

# weights of AlexNet's features, from its published layers: 23,232 + 307,200 + 663,552 + 884,736 + 589,824
FEATURES = 2_468_544
# with 10 classes instead of 1,000: 990 * 4,096 weights fewer
OF_TEN = 61_090_496 - 990 * 4_096


def test_frozen_and_trainable_weights_add_up() -> None:
    report = netsize.analyze("alexnet", verify=False, freeze=["features"], classes=10)
    assert report.totals.weights == OF_TEN
    assert report.totals.frozen == FEATURES
    assert report.totals.trainable == OF_TEN - FEATURES
    assert report.totals.frozen_parameters == FEATURES + 64 + 192 + 384 + 256 + 256
    assert [row.trainable for row in report.rows[:5]] == [0] * 5
    assert all(row.frozen == 0 for row in report.rows[5:])
    assert report.replaced == "classifier.6"


FREEZES = [
    # patterns, frozen weights; every way to name the same
    (["features"], FEATURES),
    (["features.0"], 23_232),
    (["features.[036]"], 23_232 + 307_200 + 663_552),
    (["features.0.weight"], 23_232),
    (["features.0.bias"], 0),
    (["*"], 61_090_496),
    (["features.0", "features"], FEATURES),  # twice is once
]


@pytest.mark.parametrize("patterns, frozen", FREEZES)
def test_freeze(patterns: list[str], frozen: int) -> None:
    assert netsize.analyze("alexnet", verify=False, freeze=patterns).totals.frozen == frozen


def test_a_new_classifier_is_never_frozen() -> None:
    report = netsize.analyze("alexnet", verify=False, freeze=["*"], classes=10)
    assert report.totals.trainable == 10 * 4_096


CLASSIFIERS = {
    # the last layer by name, and its number of inputs, from torchvision's sources
    "alexnet": ("classifier.6", 4096),
    "resnet18": ("fc", 512),
    "squeezenet1_1": ("classifier.1", 512),  # a convolution of 1x1
    "densenet121": ("classifier", 1024),
    "googlenet": ("fc", 1024),
    "inception_v3": ("fc", 2048),
    "mobilenet_v3_small": ("classifier.3", 1024),
    "vit_b_32": ("heads.head", 768),
    "swin_t": ("head", 768),
    "maxvit_t": ("classifier.5", 512),
    "convnext_tiny": ("classifier.2", 768),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classes(name: str) -> None:
    """The same as torchvision's own num_classes, but for the auxiliary heads, which keep theirs."""
    path, inputs = CLASSIFIERS[name]
    report = netsize.analyze(name, verify=False, classes=7)
    last = next(row for row in report.rows if row.path == path)
    assert report.replaced == path
    assert last.weights == 7 * inputs
    own = netsize.analyze(name, verify=False, settings={"num_classes": 7})
    assert report.totals.connections == own.totals.connections


UNTIL = {
    "vgg16": ["features", "features.10", "avgpool", "classifier.3"],
    "resnet50": ["layer3", "layer4.2.bn3", "avgpool"],
    "vit_b_16": ["conv_proj", "encoder", "encoder.layers.encoder_layer_5", "heads"],
}


@pytest.mark.parametrize("name", UNTIL)
def test_until_is_a_feature_extractor(name: str) -> None:
    with torch.device("meta"):
        model = get_model(name, weights=None).eval()
        features = create_feature_extractor(model, UNTIL[name])(torch.rand(1, 3, 224, 224))
    for layer in UNTIL[name]:
        report = netsize.analyze(name, device="cpu", until=layer)
        assert report.features == (tuple(features[layer].shape),)
        assert report.verification.problems == ()
        assert report.totals.parameters + report.beyond == sum(p.numel() for p in model.parameters())


def test_until_a_later_call() -> None:
    """ResNet's blocks call their relu several times; the table names the calls."""
    first, third = (netsize.analyze("resnet50", verify=False, until=f"layer1.0.relu{n}") for n in ("", " #3"))
    assert first.features == ((1, 64, 56, 56),) and third.features == ((1, 256, 56, 56),)
    assert len(first.rows) == 2 and len(third.rows) == 5


def test_everything_accounts_for_every_parameter() -> None:
    """With all operations shown, no parameter is left over: each stands in one row, or is unused."""
    for name in ("resnet18", "vit_b_32", "googlenet", "convnext_tiny", "swin_t"):
        report = netsize.analyze(name, verify=False, everything=True)
        shown = sum(row.weights + row.biases + row.other_parameters for row in report.rows)
        assert shown + sum(size for _, size in report.unused) == report.totals.parameters
        plain = netsize.analyze(name, verify=False)
        assert report.totals == plain.totals
        assert report.layers == plain.rows


def test_batch_norm_has_two_parameters_for_each_channel() -> None:
    """Lecture 7: an entire channel is normalised by BatchNorm2d, a feature by BatchNorm1d."""
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8 * 36, 5),
        torch.nn.BatchNorm1d(5),
    )  # fmt: skip
    report = netsize.analyze(model, "3x8x8", verify=False, everything=True)
    norms = [(row.path, row.operation, row.other_parameters) for row in report.rows if row.other_parameters]
    assert norms == [("1", "batch norm", 16), ("4", "batch norm", 10)]


def test_order_of_execution(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def make(): return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),"
        " nn.Flatten(), nn.Linear(36, 2))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["net.py:make", "--input", "3x8x8", "--all", "--no-verify", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert [layer["operation"] for layer in layers] == [
        "conv 3x3, 3 -> 4", "batch norm", "relu", "pool 2x2 /2", "view", "linear 36 -> 2",
    ]  # fmt: skip


@pytest.mark.parametrize("text, examples", [("50000", 50_000), ("1.2M", 1_200_000), ("imagenet", 1_200_000),
                                            ("mnist", 60_000), ("60k", 60_000)])  # fmt: skip
def test_weights_per_example(text: str, examples: int, capsys) -> None:
    assert main(["alexnet", "--no-verify", "--examples", text, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["examples"] == examples
    assert report["weights_per_example"] == 61_090_496 / examples


def test_what_was_asked_for_is_said(capsys) -> None:
    arguments = ["alexnet", "--no-verify", "--freeze", "features", "--classes", "10", "--examples", "50000"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for line in (
        "classifier.6, the last classifier layer, was replaced by one with 10 outputs",
        "57,035,456 weights = 54,566,912 trainable + 2,468,544 frozen",
        "57,044,810 parameters = 54,575,114 trainable + 2,469,696 frozen",
        "1,091 trainable weights per training example (50,000 examples)",
    ):
        assert f"\n  {line}\n" in printed


ERRORS = [
    (["alexnet", "--freeze", "featurs"], "--freeze featurs: no parameter or module matches. Did you mean features or"),
    (["alexnet", "--until", "features.99"], "--until features.99: AlexNet has no such layer. Did you mean features.9"),
    (["googlenet", "--until", "aux1"], "--until aux1: a forward pass never reaches it, or not so often"),
    (["alexnet", "--until", "features.0 #2"], "a forward pass never reaches it, or not so often"),
    (["alexnet", "--until", "features.0 #0"], "AlexNet has no such layer"),
    (["alexnet", "--classes", "0"], "--classes 0: at least 1"),
    (["fcn_resnet50", "--classes", "5"], "--classes: fcn_resnet50 has no classifier"),
    (["alexnet", "--classes", "5", "--until", "features"], "--classes replaces the last layer, which --until leaves"),
    (["alexnet", "--examples", "none"], "--examples none: expected a number like 50000 or 1.2M, or one of imagenet"),
    (["alexnet", "--examples", "-3"], "--examples -3: expected a number"),
]


@pytest.mark.parametrize("arguments, message", ERRORS)
def test_errors(arguments: list[str], message: str, capsys) -> None:
    assert main([*arguments, "--no-verify"]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == "" and len(printed.err.splitlines()) <= 2


def test_features_of_several_tensors() -> None:
    """A segmentation network's backbone gives a dictionary: its last map, and the one for the auxiliary head."""
    report = netsize.analyze("fcn_resnet50", verify=False, until="backbone")
    assert sorted(report.features) == [(1, 1024, 65, 65), (1, 2048, 65, 65)]
