"""netsize train as its user sees it: the table, the formats, errors, and a network that is left as it was."""

import csv
import gc
import io
import json

import pytest
import torch

import netsize
from netsize.costs.phases import Watch
from netsize.costs.training import Training


def test_no_network_is_kept(mixed) -> None:
    netsize.training(mixed(), "3x8x8", batch=3, measure=True, device="cpu")
    gc.collect()
    assert not any(issubclass(type(value), Watch) for value in gc.get_objects())


def test_the_model_is_left_as_it_was(mixed) -> None:
    model = mixed().eval()
    model[6].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seed = torch.get_rng_state()
    netsize.training(model, "3x8x8", batch=3, freeze="1", checkpoint="0", measure=True, device="cpu")
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [p.requires_grad for p in model.parameters()].count(False) == 1
    assert all(p.grad is None for p in model.parameters())
    assert not any("forward" in vars(module) or module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), seed)


NET = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))

class Labels(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
    def forward(self, x, labels=None):
        if self.training and labels is None:
            raise ValueError("labels are missing")
        return self.layer(x)

class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
    def forward(self, x):
        return self.layer(x).argmax(-1)

class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
    def forward(self, x):
        if type(x) is torch.Tensor:
            raise RuntimeError("there is something wrong with this number")
        return self.layer(x)
"""


@pytest.fixture
def files(tmp_path) -> None:
    (tmp_path / "net.py").write_text(NET)


TABLE = """
  Sequential · net.py:net · 2 examples of 3x10x10 · sgd in float32 · cpu

  layer  operation         units   activations          weights etc.         forward   backward
  0      conv 3x3, 3 -> 4    256◀            0    0.0%     896 bytes   4.2%    6,912◀     6,912◀
  1      ReLU                          2.0 KiB◀ 100.0%             0   0.0%
  3      linear 256 -> 10     10             0    0.0%      20.1 KiB◀ 95.8%    2,560      5,120
  total                      266       2.0 KiB              21.0 KiB           9,472     12,032

  activations: bytes that are kept for backward, in the layer that keeps them first; weights etc.:
    parameters, their gradients and the optimizer's state; forward, backward: add-multiplies per
    example

  memory                    of a step  at its peak
  parameters                 10.5 KiB     10.5 KiB 36.3%
  input                       2.3 KiB      2.3 KiB  8.1%
  activations                 2.0 KiB      2.0 KiB  6.9%
  gradients of weights       10.5 KiB     10.0 KiB 34.8%
  gradients of activations                 4.0 KiB 13.9%
  temporaries                              4 bytes <0.1%
  in all                                  28.9 KiB

  peak: 28.9 KiB (29,560 bytes), in the backward of 1 (aten.threshold_backward)
  activations: 1.0 KiB per example
  add-multiplies per example: 21,504 = 9,472 forward + 2,560 to inputs + 9,472 to weights: 2.27 for
    each connection
  data: 2,668 trainable weights
  ✓ backward executes as many add-multiplies as the formulas say, by torch's own backward pass
  memory is predicted for cpu, operation by operation and without taking any; --measure trains a few
    steps and compares

"""


def test_table(netsize, files) -> None:
    done = netsize("train", "net.py:net", "--input", "3x10x10", "--batch", "2", "--device", "cpu", columns=100)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == TABLE


BAD = [
    ("alexnet --batch 0", "--batch 0: a whole number, at least 1"),
    ("alexnet --optimizer adma", "there are sgd, momentum, adam, adamw. Did you mean adam?"),
    (
        "alexnet --dtype float64",
        "there are float32, bfloat16, float16. Did you mean float16 or bfloat16 or float32?",
    ),
    ("alexnet --memory 100MiB", "with a batch of 1 takes 468.9 MiB, 233.1 MiB of it for its parameters"),
    ("alexnet --memory 12", "--memory 12: expected a size like 4GiB"),
    ("alexnet --freeze faetures", "--freeze faetures: no parameter or module matches. Did you mean features"),
    ("alexnet --freeze *", "alexnet cannot be trained: --freeze * leaves no parameter to train"),
    ("alexnet --checkpoint feature", "--checkpoint feature: no module matches. Did you mean features"),
    ("alexnet --epochs 3", "--epochs 3: say how many examples"),
    ("alexnet --epochs 0 --examples 5", "--epochs 0: a whole number, at least 1"),
    ("alexnet --input 3x20x20", "the smallest square input is 63x63"),
    ("ssd300_vgg16", "targets"),
    ("resnet18 --input 3x16x16 --batch 1", "resnet18 cannot be trained with a batch of 1"),
    ("net.py:Labels --input 4", "labels are missing\nIt runs in evaluation mode"),
    ("net.py:Whole --input 4", "net.py:Whole gives no loss: no tensor in its output"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_gets_two_lines_at_most(netsize, files, arguments: str, message: str) -> None:
    done = netsize("train", *arguments.split(), "--device", "cpu")
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr and done.stderr.startswith("netsize: ")
    assert done.stderr.count("\n") <= 2


def test_a_step_that_fails_leaves_the_prediction(netsize, files) -> None:
    done = netsize("train", "net.py:Broken", "--input", "4", "--measure", "--device", "cpu")
    assert done.status == 2
    assert "linear 4 -> 2" in done.stdout and "peak:" in done.stdout
    assert "there is something wrong with this number" in done.stderr


def test_out_of_memory_is_a_result(netsize) -> None:
    done = netsize("train", "alexnet", "--batch", "100000000", "--measure", "--device", "cpu")
    assert (done.status, done.stderr) == (1, "")
    assert "not measured: a step takes" in done.stdout and "the largest batch that fits is" in done.stdout


def test_a_batch_that_does_not_fit_is_a_difference(netsize) -> None:
    fits = netsize("train", "alexnet", "--batch", "64", "--memory", "1GiB", "--device", "cpu")
    more = netsize("train", "alexnet", "--batch", "640", "--memory", "1GiB", "--device", "cpu")
    none = netsize("train", "alexnet", "--batch", "4", "--memory", "300MiB", "--device", "cpu")
    assert (fits.status, more.status, none.status) == (0, 1, 1)
    assert "a batch of 640 does not fit: it takes" in more.stdout
    assert "the largest batch for 300.0 MiB is 0" in none.stdout


def test_json_csv_and_markdown(netsize, files, tmp_path) -> None:
    words = ["train", "net.py:net", "--input", "3x10x10", "--batch", "2", "--examples", "100", "--epochs", "3"]
    first, again = (netsize(*words, "--json", "--device", "cpu").stdout for _ in range(2))
    data = json.loads(first)
    assert first == again
    assert data["schema"] == 1
    assert data["operations"] == {
        "forward": 9472, "backward_inputs": 2560, "backward_weights": 9472, "recomputation": 0,
        "per_connection": 21504 / 9472, "per_epoch": 2_150_400, "epochs": 3, "in_all": 6_451_200,
    }  # fmt: skip
    assert data["data"] == {"trainable_weights": 2668, "examples": 100, "weights_per_example": 26.68}
    assert sum(layer["activations"] for layer in data["layers"]) == data["memory"]["parts"]["activations"]
    rows = list(csv.DictReader(io.StringIO(netsize(*words, "--format", "csv").stdout)))
    assert [row["path"] for row in rows] == ["0", "1", "3"]
    assert [int(row["activations"]) for row in rows] == [0, 2048, 0]
    assert netsize(*words, "-o", "sizes.md").status == 0
    assert "| layer" in (tmp_path / "sizes.md").read_text(encoding="utf-8")


def test_training_prints_itself() -> None:
    training = netsize.training("alexnet", batch=8, device="cpu")
    assert isinstance(training, Training)
    assert "2.902 for each connection" in str(training)
    assert json.loads(training.to_json())["model"] == "alexnet"
