"""Programs of torch.export and TorchScript: the rows of the network that they were made from, verified; and files that
are damaged, or would run code."""

import json
import os
import pickle
import random
import zipfile
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

import netsize
from netsize.errors import BadModel, NetsizeError
from netsize.sources.program import _is_arithmetic


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=2))
        self.recurrent, self.classifier = nn.LSTM(36, 5, batch_first=True), nn.Linear(5, 7)

    def forward(self, image: torch.Tensor, scale: torch.Tensor | None = None):
        found = self.classifier(self.recurrent(self.features(image).flatten(2))[0])
        return found if scale is None else found * scale


def saved(folder: Path, kind: str, network: nn.Module, image: torch.Tensor) -> str:
    file = str(folder / {"export": "net.pt2", "script": "net.pt", "trace": "net.torchscript"}[kind])
    if kind == "export":
        torch.export.save(torch.export.export(network.eval(), (image,)), file)
    else:
        program = torch.jit.script(network) if kind == "script" else torch.jit.trace(network.eval(), image)
        program.save(file)
    return file


def numbers(report: netsize.Report) -> list[tuple[str, int, int, int]]:
    return [(row.path, row.units, row.connections, row.weights) for row in report.layers]


@pytest.mark.parametrize("kind", ["export", "script", "trace"])
@pytest.mark.parametrize(
    "make, size",
    [(Small, 8), (torchvision.models.resnet18, 64), (torchvision.models.mobilenet_v3_small, 64)],
    ids=["small", "resnet18", "mobilenet_v3_small"],
)
def test_a_program_has_the_rows_of_its_network(tmp_path: Path, kind: str, make, size: int) -> None:
    image = torch.rand(1, 3, size, size)
    expected = netsize.analyze(make(), image, device="cpu")
    file = saved(tmp_path, kind, make(), image)
    report = netsize.analyze(file, None if kind == "export" else f"3x{size}x{size}", device="cpu")
    assert report.verification.status == "passed"
    assert report.complete
    assert sum(row.connections for row in report.rows) == expected.totals.connections
    assert (report.totals.units, report.totals.parameters) == (expected.totals.units, expected.totals.parameters)
    if make is not Small:  # of an LSTM an exported program has the products, without their module
        assert numbers(report) == numbers(expected)


def test_types_are_those_of_the_network(netsize, tmp_path: Path) -> None:
    file = saved(tmp_path, "script", Small(), torch.rand(1, 3, 8, 8))
    types = {layer["path"]: layer["type"] for layer in netsize(file, "--input", "3x8x8", "--json").json["layers"]}
    assert types["features.0"] == "Conv2d"
    assert types["classifier"] == "Linear"


def test_the_example_of_an_exported_program_is_its_input(netsize, tmp_path: Path) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x, *, scale):
            return self.layer(x) * scale

    program = torch.export.export(Two(), (torch.rand(2, 4),), {"scale": torch.rand(2, 3)})
    torch.export.save(program, tmp_path / "two.pt2")
    done = netsize("two.pt2", "--no-batch", "--json")
    assert (done.status, done.stderr) == (0, "")
    assert done.json["input"] == [[2, 4], [2, 3]]
    assert done.json["source"]["kind"] == "torch.export"


def test_another_input_than_it_was_exported_for(netsize, tmp_path: Path) -> None:
    saved(tmp_path, "export", Small(), torch.rand(1, 3, 8, 8))
    done = netsize("net.pt2", "--input", "3x9x9")
    assert (done.status, done.stdout) == (2, "")
    assert "net.pt2 cannot take a 3x9x9 input" in done.stderr


class Evil:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.mknod, (str(self.file),)


def changed(file: Path, change) -> None:
    """The archive with what `change(name, content)` makes of each of its files."""
    with zipfile.ZipFile(file) as archive:
        files = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            if content is not None:
                archive.writestr(name, content)


def with_an_expression(text: str):
    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return content
        model = json.loads(content)
        model["range_constraints"] = {text: {"min_val": 1, "max_val": 2}}
        model["more"] = {"as_expr": {"expr_str": text}}
        return json.dumps(model).encode()

    return change


def test_objects_and_expressions_in_a_program_are_not_run(netsize, tmp_path: Path) -> None:
    file = Path(saved(tmp_path, "export", Small(), torch.rand(1, 3, 8, 8)))
    content = file.read_bytes()
    changed(file, with_an_expression(f"open('{tmp_path}/ran', 'w')"))
    done = netsize("net.pt2")
    assert (done.status, "has a size that is no arithmetic" in done.stderr) == (2, True)
    file.write_bytes(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("net/data/constants/opaque_obj_0", pickle.dumps(Evil(tmp_path / "ran")))
    done = netsize("net.pt2")
    assert (done.status, "holds objects of Python" in done.stderr) == (2, True)
    file.write_bytes(content)
    evil = pickle.dumps(Evil(tmp_path / "ran"), protocol=2)
    changed(file, lambda name, content: evil if name.endswith("sample_inputs/model.pt") else content)
    assert netsize("net.pt2").status == 2
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "expression, harmless",
    [
        ("Symbol('s77', positive=True, integer=True)", True),
        ("Add(Integer(1), Mul(Symbol('s0'), Rational(1, 2)))", True),
        ("FloorDiv(s0, 2) + 0.5", True),
        ("ceiling(s0)", True),
        ("__import__('os').system('x')", False),
        ("open('x', 'w')", False),
        ("().__class__", False),
        ("Symbol.mro()", False),
        ("(lambda: 1)()", False),
        ("[exec for x in (1,)][0]('1')", False),
        ("getattr(Symbol, 'mro')", False),
        ("[exec][0]('1')", False),
        ("(exec)('1')", False),
        ("f'{exec}'", False),
        ("1 if s0 else 2", False),
    ],
)
def test_expressions_are_arithmetic(expression: str, harmless: bool) -> None:
    assert _is_arithmetic(expression) is harmless


@pytest.mark.parametrize("kind", ["export", "script"])
def test_damaged_programs_end_in_a_message(tmp_path: Path, kind: str) -> None:
    content = Path(saved(tmp_path, kind, nn.Linear(3, 4), torch.rand(1, 3))).read_bytes()
    chance, refused = random.Random(kind), 0
    file = tmp_path / ("damaged.pt2" if kind == "export" else "damaged.torchscript")
    for _ in range(40):
        other = bytearray(content)
        if chance.randrange(3):
            for _ in range(20):
                other[chance.randrange(len(other))] = chance.randrange(256)
        else:
            del other[chance.randrange(len(other)) :]
        file.write_bytes(other)
        try:
            netsize.analyze(str(file), "3", device="cpu", verify=False)
        except NetsizeError as error:
            assert len(str(error).splitlines()) <= 2
            refused += 1
    assert refused > 5


def test_a_program_has_no_constructor(tmp_path: Path) -> None:
    file = saved(tmp_path, "script", Small(), torch.rand(1, 3, 8, 8))
    with pytest.raises(BadModel, match="is a network already"):
        netsize.analyze(file, "3x8x8", settings={"n": 3})
