"""The command line as a user meets it: the real entry point, its exit status, and what it prints where."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torchvision

from netsize.commands.cli import main

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, hidden=3, deep=False):
        super().__init__()
        self.a, self.b = nn.Linear(4, hidden), nn.Linear(hidden, 2)
        if deep:
            self.example_input_array = torch.rand(7, 4)
    def forward(self, x):
        print("a network that prints")
        return self.b(self.a(x).relu())

class Breaks(nn.Module):
    def forward(self, x):
        raise ValueError("cannot go on\\nwith a second line")

class Leaves(nn.Module):
    def forward(self, x):
        raise SystemExit(3)

@torch.library.custom_op("netsize_tests::opaque", mutates_args=())
def opaque(x: torch.Tensor) -> torch.Tensor:
    return x @ x.T

class Opaque(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
    def forward(self, x):
        return torch.ops.netsize_tests.opaque(self.a(x))

class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 64, 3)
    def forward(self, x):
        return self.a(x)

def make(): return Net(deep=True)
def number(): return 3
ready = Net()
answer = 42
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "missing.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "model.py").write_text("from torch import nn\n\ndef factory(): return nn.Linear(4, 2)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def total(report: str) -> int:
    return json.loads(report)["totals"]["connections"]


@pytest.mark.parametrize(
    "arguments, connections",
    [
        (["net.py:Net", "--input", "4"], 4 * 3 + 3 * 2),
        (["show", "net.py:Net", "--input", "4"], 18),
        (["net.py:Net", "--input", "5x4"], 5 * 18),
        (["net.py:Net", "--input", "4", "--set", "hidden=10"], 60),
        (["net.py:make"], 18),  # its example_input_array has a batch of 7
        (["net.py:ready", "--input", "4"], 18),
        (["package.model:factory", "--input", "4"], 8),
        (["--input", "4", "net.py:Net"], 18),  # options first
        (["alexnet", "--no-verify", "--set", "num_classes=10"], 714_188_480 - 990 * 4096),
        (  # maps of 15, 7 and 3 instead of 55, 27 and 13
            ["alexnet", "--no-verify", "--input", "3x64x64"],
            225 * 64 * 363 + 49 * 192 * 1600 + 9 * (384 * 1728 + 256 * 3456 + 256 * 2304) + 58_621_952,
        ),
    ],
)
def test_networks_from_anywhere(arguments: list[str], connections: int, capsys) -> None:
    assert main([*arguments, "--device", "cpu", "--json"]) == 0
    output = capsys.readouterr()
    assert total(output.out) == connections
    assert "prints" not in output.out  # what a network prints does not mix with the report


ERRORS = [
    (["alexnt"], "netsize: torchvision has no model 'alexnt'. Did you mean alexnet?"),
    (["shwo", "alexnet"], "netsize: torchvision has no model 'shwo'. Did you mean show?"),
    (["lst", "resnet*"], "Did you mean list?"),
    (["nothing.py:Net"], "netsize: there is no file nothing.py"),
    (["missing.py:Net"], "ModuleNotFoundError: No module named 'nothing_of_this_name' (missing.py, line 1)"),
    (["broken.py:Net"], "netsize: broken.py does not import: SyntaxError: invalid syntax (broken.py, line 1)"),
    (["no.such.package:Net"], "no.such.package does not import: ModuleNotFoundError: No module named 'no'"),
    (["net.py:Nett"], "netsize: net.py has no 'Nett'. Did you mean Net?"),
    (["net.py:number"], "netsize: net.py:number gives a int, and no torch.nn.Module"),
    (["net.py:answer"], "netsize: net.py:answer is a int, and neither a torch.nn.Module nor something that gives one"),
    (["net.py:Net"], "netsize: net.py:Net: say what it takes, as --input 3x224x224"),
    (["net.py:Net", "--input", "5"], "cannot take a 5 input: it fails in a (Linear): RuntimeError"),
    (["net.py:Net", "--input", "4:int64"], "it fails in a (Linear): RuntimeError"),
    (["net.py:Net", "--input", "4", "--input", "4"], "cannot take a 4 and a 4 input: it fails in Net: TypeError"),
    (["net.py:Net", "--input", "4", "--set", "hiden=3"], "net.py:Net(hiden=3) cannot be built: TypeError"),
    (["net.py:ready", "--input", "4", "--set", "hidden=3"], "is a network already: --set has nothing to set"),
    (["net.py:Breaks", "--input", "4"], "it fails in Breaks: ValueError: cannot go on"),
    (["net.py:Convolution", "--input", "3x90000x90000"], "is too large to be run: it takes about"),
    (["alexnet", "--input", "3xx224"], "netsize: --input 3xx224: expected sizes like 3x224x224"),
    (["alexnet", "--input", "3x0x224"], "netsize: --input 3x0x224: every size must be at least 1"),
    (["alexnet", "--input", "3x-1x224"], "netsize: --input 3x-1x224: every size must be at least 1"),
    (["alexnet", "--input", "3x224x224:int63"], "--input 3x224x224:int63: there is no type 'int63'"),
    (["alexnet", "--input", "224x224"], "it fails in features.0 (Conv2d)"),
    (
        ["alexnet", "--input", "3x20x20"],
        "netsize: alexnet cannot take a 3x20x20 input: it fails in features.5 (MaxPool2d): RuntimeError: Given input "
        "size: (192x1x1). Calculated output size: (192x0x0). Output size is too small; "
        "the smallest square input is 63x63",
    ),
    (["alexnet", "--set", "weights=DEFAULT"], "networks are counted untrained"),
    (["alexnet", "--set", "numclasses"], "netsize: --set numclasses: expected key=value"),
    (["alexnet", "--device", "gpu"], "netsize: there is no device 'gpu'; there are auto, cpu, cuda, mps"),
    (["alexnet", "--format", "jsn"], "netsize: --format jsn: there are table, json, csv, markdown, latex, html, svg."),
    (["alexnet", "--sort", "unit"], "--sort unit: there are units, connections, weights. Did you mean units?"),
    (["alexnet", "--top", "0"], "--top"),
    (["alexnet", "--depth", "x"], "--depth"),
    (["alexnet", "--verfy"], "No such option: --verfy"),
    (["alexnet", "vgg16"], "unexpected extra argument"),
    (["alexnet", "-o", "nowhere/report.json"], "netsize: -o nowhere/report.json: there is no folder nowhere"),
    (["alexnet", "-o", "package", "--json"], "netsize: -o package: this is a folder"),
    (["alexnet", "-o", "report.xls"], "its ending tells no format (.txt, .json, .csv, .md, .tex, .html, .svg)"),
    (["alexnet", "--input", "3x9000000000000x90000"], "netsize: --input 3x9000000000000x90000: no tensor has so many"),
    (["alexnet", "--json", "--format", "csv"], "netsize: --json and --format csv: say one of them"),
    (["net.py:Leaves", "--input", "4"], "it fails in Leaves: SystemExit: 3"),
    (["list", "zzz"], "netsize: no model matches 'zzz'."),
]


@pytest.mark.parametrize("arguments, said", ERRORS, ids=[" ".join(case[0]) for case in ERRORS])
def test_bad_input_gets_a_line_and_status_2(arguments: list[str], said: str, capsys, folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert said in output.err
    lines = [line for line in output.err.splitlines() if line != "a network that prints"]
    assert 1 <= len(lines) <= 2
    assert lines[0].startswith("netsize: ")
    assert output.out == ""
    assert [file for file in sorted(folder.iterdir()) if file.name != "__pycache__"] == before


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is a CUDA device here")
def test_a_device_that_is_not_there(capsys) -> None:
    assert main(["alexnet", "--device", "cuda"]) == 2
    assert "netsize: --device cuda: this machine has none that torch" in capsys.readouterr().err


def test_a_torchvision_that_does_not_fit(netsize, tmp_path: Path) -> None:
    """As torch raises it where torchvision was built for another one."""
    package = tmp_path / "site" / "torchvision"
    package.mkdir(parents=True)
    real = Path(torchvision.__file__).parent
    (package / "models").symlink_to(real / "models")
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    done = netsize("alexnet", PYTHONPATH=str(tmp_path / "site"))
    assert done.status == 2
    first, second = done.stderr.splitlines()
    assert first.startswith("netsize: torch 2.")
    assert first.endswith("do not fit together: operator torchvision::nms does not exist")
    assert second == "Install a matching pair: pip install --upgrade torch torchvision"


def test_a_package_that_is_missing(netsize, tmp_path: Path) -> None:
    """An interpreter whose import system knows no torchvision."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nreal = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'torchvision' else real(name, package)\n"
    )
    done = netsize("alexnet", PYTHONPATH=str(tmp_path))
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == "netsize: torchvision is not installed here. Install it: pip install torch torchvision\n"


def test_a_bug_keeps_its_traceback(monkeypatch) -> None:
    monkeypatch.setattr("netsize.commands.show.count", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["net.py:Net", "--input", "4"])


def test_unknown_operations_and_strict(capsys) -> None:
    assert main(["net.py:Opaque", "--input", "4"]) == 0
    said = "incomplete: netsize does not know the connections of netsize_tests.opaque (1x, 1x4 -> 1x1)"
    assert said in capsys.readouterr().out
    assert main(["net.py:Opaque", "--input", "4", "--strict"]) == 1
    assert main(["net.py:Net", "--input", "4", "--strict"]) == 0


@pytest.mark.parametrize("name", ["report.json", "report.csv", "report.md", "report.tex", "report.txt"])
def test_files_have_the_format_of_their_ending(name: str, folder: Path, capsys) -> None:
    begin = {"json": "{", "csv": "path,", "md": "**Net", "tex": "% needs", "txt": "\n  Net"}
    assert main(["net.py:Net", "--input", "4", "-o", name]) == 0
    text = (folder / name).read_text(encoding="utf-8")
    assert text.startswith(begin[name.partition(".")[2]])
    assert capsys.readouterr().out == ""
    assert [file.name for file in folder.glob("tmp*")] == []


def test_a_file_is_written_whole_or_not_at_all(folder: Path, capsys) -> None:
    (folder / "report.json").write_text("old")
    assert main(["net.py:Net", "--input", "9", "-o", "report.json"]) == 2
    assert (folder / "report.json").read_text() == "old"


def test_json_is_the_same_in_two_runs(netsize) -> None:
    reports = [json.loads(netsize("alexnet", "--json", "--fresh").stdout) for _ in range(2)]
    for report in reports:
        assert report["verification"].pop("seconds") > 0
    assert json.dumps(reports[0]) == json.dumps(reports[1])


def test_list(capsys) -> None:
    assert main(["list", "vgg1*_bn"]) == 0
    assert capsys.readouterr().out == "vgg  vgg11_bn vgg13_bn vgg16_bn vgg19_bn\n"
    assert main(["list", "raft"]) == 0
    assert capsys.readouterr().out == "optical_flow  raft_large raft_small\n"
    assert main(["list"]) == 0
    listed = [name for line in capsys.readouterr().out.splitlines() for name in line.split()[1:]]
    of_papers = [
        "alexnet_2012",
        "alexnet_2012_ungrouped",
        "deit_small",
        "deit_tiny",
        "dit_xl_2",
        "gpt2",
        "gpt2_xl_gated",
        "lenet5",
        "mixer_b_16",
        "mixtral_8x7b",
        "mobilenet_v1",
        "vgg16_c",
    ]
    assert sorted(listed) == sorted([*torchvision.models.list_models(), *of_papers])


def test_help_and_version(netsize) -> None:
    done = netsize("--help")
    assert (done.status, done.stderr) == (0, "")
    assert "MODEL" in done.stdout and "list" in done.stdout
    assert netsize().stdout == done.stdout
    assert netsize("--version").stdout == "netsize 0.1.0\n"
    assert netsize("show", "--help").status == 0


@pytest.mark.parametrize(
    "words, expected",
    [
        ("netsize al", {"alexnet", "alexnet_2012", "alexnet_2012_ungrouped"}),
        ("netsize li", {"list"}),
        (
            "netsize sh",
            {"show", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"},
        ),
        ("netsize show vgg16", {"vgg16", "vgg16_bn", "vgg16_c"}),
        ("netsize alexnet --pool", {"--pooling"}),
        ("netsize alexnet --sort we", {"weights"}),
        ("netsize alexnet --format ma", {"markdown"}),
        ("netsize explain lenet5 C3", {"C3.three", "C3.four", "C3.six"}),
        ("netsize lenet5 --until F", {"F6"}),
        ("netsize explain vgg16 feat", set()),  # that is not remembered
    ],
)
def test_completion(words: str, expected: set[str], netsize) -> None:
    if "lenet5" in words:
        netsize("lenet5")  # what is remembered is known
    count = str(len(words.split()) - 1)
    done = netsize(_NETSIZE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count)
    assert set(done.stdout.split()) == expected


NO_TORCH = """
import sys
from netsize.commands.cli import main
main({})
print([module for module in ("torch", "torchvision", "rich", "pydantic") if module in sys.modules])
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["list"], ["alexnt"], ["show", "--help"], ["alexnet", "--input", "x"]]
)
def test_quick_answers_import_little(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", NO_TORCH.format(arguments)], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_models_are_completed_with_their_families(netsize) -> None:
    done = netsize(_NETSIZE_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="netsize alexnet")
    names = ("alexnet", "alexnet"), ("alexnet_2012", "historical"), ("alexnet_2012_ungrouped", "historical")
    shown = "\n".join(f'"{name}":"{family}"' for name, family in names)
    assert done.stdout.strip() == f"_arguments '*: :(({shown}))'"


def test_completion_imports_no_torch() -> None:
    code = "import sys, atexit; atexit.register(lambda: print([m for m in ('torch', 'rich') if m in sys.modules])); "
    code += "from netsize.commands.cli import main; main([])"
    environment = os.environ | {"_NETSIZE_COMPLETE": "complete_bash", "COMP_WORDS": "netsize al", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["alexnet", "alexnet_2012", "alexnet_2012_ungrouped", "[]"]


def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m netsize list | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


@pytest.mark.parametrize("after", [0.4, 0.9, 1.4, 1.9, 2.4])
def test_interrupt_ends_with_130(after: float) -> None:
    """While torch is being imported, and while the network runs: vit_h_14 takes longer than that anywhere."""
    process = subprocess.Popen(
        [sys.executable, "-m", "netsize", "vit_h_14"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=60)
    assert (process.returncode, output, error) == (130, "", "")


def test_a_pipe_is_written_to_and_a_link_followed(folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    reader = subprocess.Popen(["cat", "pipe.json"], stdout=subprocess.PIPE, text=True)
    assert main(["net.py:Net", "--input", "4", "-o", "pipe.json"]) == 0
    assert total(reader.communicate(timeout=10)[0]) == 18
    assert (folder / "pipe.json").is_fifo()
    (folder / "real.json").write_text("old")
    (folder / "real.json").chmod(0o600)
    (folder / "link.json").symlink_to("real.json")
    assert main(["net.py:Net", "--input", "4", "-o", "link.json"]) == 0
    assert (folder / "link.json").is_symlink()
    assert total((folder / "real.json").read_text()) == 18
    assert (folder / "real.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m netsize list > /dev/full"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (2, "netsize: stdout cannot be written: No space left on device\n")


def test_a_crash_is_no_difference(tmp_path: Path) -> None:
    """Status 1 says that something differs; an error that nobody foresaw keeps its traceback, and ends with 2."""
    code = (
        "import sys, netsize.commands.show as show; show.count = lambda *_: 1 / 0; from netsize.__main__ import run; "
    )
    code += "sys.argv = ['netsize', 'lenet5', '--device', 'cpu']; run()"
    environment = os.environ | {"NETSIZE_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_new_file_has_the_mode_that_the_user_gives_to_new_files(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        assert main(["net.py:Net", "--input", "4", "-o", "report.json"]) == 0
    finally:
        os.umask(before)
    assert (folder / "report.json").stat().st_mode & 0o777 == 0o640


MEANT = [
    # what was written, and the command that is to be copied
    ("alexnet vgg16", "compare alexnet vgg16"),
    ("alexnet vgg16 resnet18", "compare alexnet vgg16 resnet18"),
    ("alexnet features.0", "explain alexnet features.0"),
    ("explain features.0 alexnet", "explain alexnet features.0"),
    ("alexnet --csv", "alexnet --format csv"),
    ("alexnet --latex --bias", "alexnet --format latex --bias"),
    ("alexnet --md", "alexnet --format markdown"),
    ("alexnet --macs", "alexnet --sort connections"),
    ("alexnet --gpu", "alexnet --device cuda"),
    ("alexnet --batch 4", "train alexnet --batch 4"),
    ("alexnet --batch=4", "train alexnet --batch 4"),
    ("alexnet --input-size 3x64x64", "alexnet --input 3x64x64"),
    ("alexnet --shape=3x64x64", "alexnet --input 3x64x64"),
]


@pytest.mark.parametrize("line, command", MEANT)
def test_a_line_that_is_near_another_one_names_it(line: str, command: str, capsys) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr().err.splitlines()[1] == f"Try: netsize {command}"


@pytest.mark.parametrize("line", ["alexnet --nonsense", "alexnet a b", "alexnet --csv=3"])
def test_where_nothing_is_near_nothing_is_tried(line: str, capsys) -> None:
    assert main(line.split()) == 2
    assert "Try:" not in capsys.readouterr().err


def test_help_and_version_are_words_too(capsys) -> None:
    shown = []
    for line in ("-h", "--help", "help check", "check --help", "version", "--version"):
        assert main(line.split()) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0::2] == shown[1::2]
    assert len(set(shown)) == 3
