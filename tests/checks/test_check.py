"""netsize check: the known counts hold, and every one of them is really compared."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from netsize.checks import outcomes as check
from netsize.checks.cases import Case, read_amount, read_file
from netsize.commands.cli import main
from netsize.errors import BadCase
from netsize.results.report import Report

CONFIGS = Path(__file__).parent.parent.parent / "configs"
FILES = sorted(CONFIGS.glob("*.toml"))
NUMBER = re.compile(r'^((?!input)\w+ = )("?)(\d[\d.]*)(\w?"?)', re.MULTILINE)


def run(file: Path, counted: dict[tuple, Report]) -> list[check.Result]:
    """The cases of a file, each network counted once."""

    def count(case: Case) -> Report:
        key = (case.model, case.input, case.settings, case.bias, case.pooling, case.verify)
        if key not in counted:
            counted[key] = check.count(case, "cpu")
        return counted[key]

    return [check.run(case, count) for case in read_file(file)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_known_counts_hold_and_each_is_compared(file: Path, tmp_path: Path) -> None:
    """One test for a file, so that each network is counted once for all of its numbers, wherever tests are run."""
    counted: dict[tuple, Report] = {}
    results = run(file, counted)
    assert [result for result in results if result.status] == []
    assert all(result.outcomes for result in results)
    assert [model for (model, *_), report in counted.items() if report.uncounted] == []
    unused = {key[0]: sum(size for _, size in report.unused) for key, report in counted.items() if report.unused}
    heads = {"googlenet": 6_379_984, "inception_v3": 3_326_696}  # auxiliary ones, which evaluation never runs
    assert unused == (heads if file.stem == "torchvision" else {})
    exact = [outcome for result in results for outcome in result.outcomes if outcome.quantity != "verification"]
    assert all(outcome.source for outcome in exact)
    text = file.read_text(encoding="utf-8")
    numbers = list(NUMBER.finditer(text))
    assert numbers
    for match in numbers:
        digits = match[3]
        wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
        (tmp_path / file.name).write_text(text[: match.start(3)] + wrong + text[match.end(3) :], encoding="utf-8")
        failed = [o for result in run(tmp_path / file.name, counted) for o in result.outcomes if not o.passed]
        assert len(failed) == 1, match[0]
        assert match[1].startswith(failed[0].quantity)
        assert failed[0].source


NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, hidden=100):
        super().__init__(nn.Linear(50, hidden), nn.ReLU(), nn.Linear(hidden, 10))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cases(text: str) -> str:
    Path("cases.toml").write_text(text)
    return "cases.toml"


def test_what_differs_is_shown_with_its_row_and_source(capsys) -> None:
    file = cases("""
[[case]]
model = "net.py:Net"
input = "50"
weights = 6000            # 50 x 100 + 100 x 10
[case.layers."0"]
weights = 5001            # a mistake
connections = "<= 4K"     # our budget
weights_share = "<= 50%"  # our budget
""")
    assert main(["check", file, "--device", "cpu"]) == 1
    assert capsys.readouterr().out == (
        "✗ net.py:Net [cases.toml]: 2 of 5 numbers\n"
        "    0: weights expected 5,001, counted 5,000, difference -1\n"
        "      source: a mistake\n"
        "    0: connections expected <= 4K, counted 5,000, difference +1,000\n"
        "      source: our budget\n"
        "    0: weights_share expected <= 50%, counted 83.3%, difference +33.3%\n"
        "      source: our budget\n"
        "0 of 1 cases passed, 2 numbers; 1 failed\n"
    )


GOOD = '[[case]]\nname = "good"\nmodel = "net.py:Net"\ninput = "50"\nweights = 6000\n'
BROKEN = [
    ('[[case]]\nmodel = "net.py:Net\n', "cases.toml, line 2"),
    ('[[case]]\nmodel = "net.py:Net"\nwieghts = 3\n', "there is no key 'wieghts'. Did you mean weights?"),
    ('[[cases]]\nmodel = "net.py:Net"\n', "there is no key 'cases'. Did you mean case?"),
    ("[[case]]\nweights = 3\n", "it names no model"),
    ('[[case]]\nmodel = "net.py:Net"\nweights = "about 3"\n', "weights = 'about 3' is no number and no comparison"),
    (
        '[[case]]\nmodel = "net.py:Net"\nweights = 3.5\n',
        "case 1, weights: expected a whole number or text, got a number",
    ),
    ('[[case]]\nmodel = "nothing*"\n', "no model matches 'nothing*'"),
    ('[[case]]\nmodel = "net.py:Net"\n[case.layers."0"]\nparameters = 3\n', "layer 0: there is no key 'parameters'"),
    ("case = 3\n", "cases.toml, case: expected a list, got a whole number"),
    ('[[case]]\nmodel = "net.py:Net"\nimage = "large"\n', "case 1: --image large"),
]


@pytest.mark.parametrize("text, said", BROKEN)
def test_a_file_that_is_wrong_is_2_and_the_others_still_run(text: str, said: str, capsys) -> None:
    Path("good.toml").write_text(GOOD)
    assert main(["check", cases(text), "good.toml", "--device", "cpu"]) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert len(output.err.splitlines()) <= 2
    assert "✓ good (net.py:Net) [good.toml]: 2 of 2 numbers" in output.out


NOT_RUN = [
    ('model = "net.py:Nett"\ninput = "50"\n', "net.py has no 'Nett'. Did you mean Net?"),
    ('model = "nothing"\n', "torchvision has no model 'nothing'"),
    ('model = "net.py:Net"\ninput = "50"\n[case.layers."3"]\nweights = 3\n', "net.py:Net has no layer '3'."),
    ('model = "net.py:Net"\ninput = "40"\n', "cannot take a 40 input"),
    ('model = "net.py:Net"\ninput = "50"\npublished = "torchvision"\n', "for torchvision's own models"),
    ('model = "net.py:Net"\ninput = "50"\nfrozen = "no.json"\n', "no.json cannot be read: No such file"),
]


@pytest.mark.parametrize("text, said", NOT_RUN)
def test_a_case_that_cannot_run_is_no_pass(text: str, said: str, capsys) -> None:
    assert main(["check", cases(f"{GOOD}\n[[case]]\n{text}"), "--device", "cpu"]) == 2
    output = capsys.readouterr().out
    assert said in output
    assert "1 of 2 cases passed, 2 numbers; 1 could not be run" in output


def test_files_of_every_kind_are_found_beside_their_cases(capsys, folder: Path) -> None:
    (folder / "below").mkdir()
    file = folder / "below" / "net.onnx"
    torch.onnx.export(torch.nn.Linear(5, 3), (torch.rand(1, 5),), str(file), dynamo=False)
    (folder / "below" / "cases.toml").write_text('[[case]]\nmodel = "net.onnx"\nconnections = 15\n')
    assert main(["check", "below/cases.toml"]) == 0
    assert "1 of 1 cases passed" in capsys.readouterr().out


def test_nothing_to_check(capsys, folder: Path) -> None:
    assert main(["check", "none.toml"]) == 2
    assert "none.toml cannot be read: No such file" in capsys.readouterr().err
    assert main(["check", cases(GOOD), "--only", "x*"]) == 2
    assert "there is no case to check that matches 'x*'" in capsys.readouterr().err


@pytest.mark.parametrize("name, count", [("alexnet", 2), ("lenet5", 2)])
def test_a_model_has_the_cases_that_come_with_netsize(name: str, count: int, capsys) -> None:
    assert main(["check", name, "--device", "cpu"]) == 0
    assert f"{count} of {count} cases passed" in capsys.readouterr().out


def test_formats(capsys) -> None:
    file = cases(f"{GOOD}\n[[case]]\nname = 'small, we said'\nmodel = 'net.py:Net'\ninput = '50'\nweights = '<= 5K'\n")
    arguments = ["check", file, "--device", "cpu", "--format"]
    assert main([*arguments, "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["status"], [case["status"] for case in report["cases"]]) == (1, ["passed", "failed"])
    assert report["cases"][1]["numbers"][0]["counted"] == 6000
    assert main([*arguments, "github"]) == 1
    message = "total: weights expected <= 5K, counted 6,000, difference +1,000"
    assert f"::error file=cases.toml,line=11,title=netsize%3A small%2C we said::{message}\n" in capsys.readouterr().out
    assert main([*arguments, "junit"]) == 1
    suite = ElementTree.fromstring(capsys.readouterr().out)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert suite.find("testcase[2]/failure").get("message") == message
    assert main([*arguments, "table", "--hide-passed"]) == 1
    assert "good" not in capsys.readouterr().out


def test_update_rewrites_exact_numbers_and_keeps_comments(capsys, folder: Path) -> None:
    text = """# ours
[[case]]
model = "net.py:Net"  # the network
input = "50"
weights = 1        # to be updated
parameters = "7K"  # published: not ours to move
units = "<= 5"     # a budget: not ours to move
[case.layers."0"]
weights = 2        # also
"""
    assert main(["check", cases(text), "--update", "--device", "cpu"]) == 1  # a budget is not kept
    expected = text.replace("weights = 1 ", "weights = 6000 ").replace("weights = 2 ", "weights = 5000 ")
    assert (folder / "cases.toml").read_text() == expected
    assert capsys.readouterr().out == (
        "cases.toml: net.py:Net: weights 1 -> 6,000\n"
        "cases.toml: net.py:Net, 0: weights 2 -> 5,000\n"
        "✗ net.py:Net [cases.toml]: 3 of 5 numbers\n"
        "    total: parameters expected 7K, counted 6,110, difference -890\n"
        "      source: published: not ours to move\n"
        "    total: units expected <= 5, counted 110, difference +105\n"
        "      source: a budget: not ours to move\n"
        "0 of 1 cases passed, 3 numbers; 1 failed\n"
    )


SHARED = """[[case]]
model = ["net.py:Net", "net.py:Wide"]
input = "50"
weights = 1
biases = 1
"""


def test_a_number_that_two_networks_share_is_written_if_it_is_the_same_for_both(capsys, folder: Path) -> None:
    (folder / "net.py").write_text(
        NET + "\n\ndef Wide():\n    return nn.Sequential(nn.Linear(50, 110), nn.Linear(110, 0))\n"
    )
    assert main(["check", cases(SHARED), "--update", "--device", "cpu"]) == 1
    assert (folder / "cases.toml").read_text() == SHARED.replace("biases = 1", "biases = 110")
    assert "total: weights expected 1, counted 6,000" in capsys.readouterr().out


@pytest.mark.parametrize("other, only, status", [("net.py:Nett", "*", 2), ("net.py:Twin", "net.py:Net", 1)])
def test_a_number_that_is_not_known_of_all_stays(other: str, only: str, status: int, folder: Path) -> None:
    """One cannot be built, or was not asked for."""
    (folder / "net.py").write_text(NET + "\n\nTwin = Net\n")
    text = SHARED.replace("net.py:Wide", other)
    assert main(["check", cases(text), "--update", "--only", only, "--device", "cpu"]) == status
    assert (folder / "cases.toml").read_text() == text


ENDS = [b"\r\n", b"\n"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ENDS)
def test_update_keeps_the_ends_of_lines_a_mark_a_link_and_the_mode(mark: bytes, end: bytes, folder: Path) -> None:
    text = mark + GOOD.replace("6000", "1").encode().replace(b"\n", end)
    (folder / "real.toml").write_bytes(text)
    (folder / "real.toml").chmod(0o640)
    (folder / "cases.toml").symlink_to("real.toml")
    assert main(["check", "cases.toml", "--update", "--device", "cpu"]) == 0
    assert (folder / "real.toml").read_bytes() == text.replace(b"weights = 1", b"weights = 6000")
    assert (folder / "cases.toml").is_symlink()
    assert (folder / "real.toml").stat().st_mode & 0o7777 == 0o640


def test_update_writes_nothing_where_something_is_wrong(capsys, monkeypatch, folder: Path) -> None:
    text = GOOD.replace("6000", "1") + '\n[[case]]\nmodel = "net.py:Nett"\nweights = 1\n'
    assert main(["check", cases(text), "--update", "--device", "cpu"]) == 2
    assert "cases.toml, case 2: net.py has no 'Nett'" in capsys.readouterr().out
    assert (folder / "cases.toml").read_text() == text.replace("weights = 1", "weights = 6000", 1)

    from netsize.lecture import formulas
    from netsize.trace import products

    class Wrong(formulas.Linear):
        weights = property(lambda self: 1)

    monkeypatch.setattr(products, "Linear", Wrong)
    text = GOOD.replace("6000", "1")
    assert main(["check", cases(text), "--update", "--device", "cpu"]) == 1
    assert "verification failed" in capsys.readouterr().out
    assert (folder / "cases.toml").read_text() == text


@pytest.mark.parametrize(
    "text, counted, holds",
    [
        (5, 5, True),
        (5, 6, False),
        ("133M", 132_863_336, True),
        ("133M", 133_500_001, False),
        ("19.6G", 19_632_062_464, True),
        ("19.6G", 19_650_000_001, False),
        ("<= 5M", 5_000_000, True),
        ("<= 5M", 5_000_001, False),
        ("< 5M", 5_000_000, False),
        (">= 1.5K", 1_500, True),
        ("> 1,500", 1_500, False),
        ("== 1_500", 1_500, True),
    ],
)
def test_amounts(text: object, counted: int, holds: bool) -> None:
    assert read_amount("", "", "weights", text).holds(counted) is holds


@pytest.mark.parametrize("text", ["", "5 M weights", "=> 5M", "5X", True, 5.0, None, "<= 60%"])
def test_what_is_no_amount(text: object) -> None:
    with pytest.raises(BadCase, match="is no number and no comparison"):
        read_amount("", "", "weights", text)


def test_known_counts_are_installed_with_the_package(tmp_path: Path) -> None:
    """As the wheel lays them out: configs/ inside of the package."""
    from netsize.commands.check import known_counts

    assert sorted(file.name for file in known_counts().glob("*.toml")) == [file.name for file in FILES]


def test_update_rewrites_every_number_of_every_case(capsys, folder: Path) -> None:
    text = GOOD.replace("6000", "1").replace("good", "first") + GOOD.replace("6000", "2").replace("good", "second")
    assert main(["check", cases(text), "--update", "--device", "cpu"]) == 0
    assert (folder / "cases.toml").read_text() == GOOD.replace("good", "first") + GOOD.replace("good", "second")


@pytest.mark.parametrize(
    "line, said",
    [
        ('bias = "false"', "bias: expected true or false, got text"),
        ("verify = 1", "verify: expected true or false, got a whole number"),
        ('weights_share = "<= 1%"', "weights_share belongs to a layer: [case.layers.NAME]"),
    ],
)
def test_what_would_not_be_compared_is_refused(line: str, said: str, capsys) -> None:
    assert main(["check", cases(f"{GOOD}{line}\n"), "--device", "cpu"]) == 2
    assert said in capsys.readouterr().err
