"""netsize freeze and diff, and a small project whose network grows: budget, test and frozen report turn red."""

import json
from pathlib import Path

import pytest

from netsize.commands.cli import main

NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, hidden=100):
        super().__init__(nn.Linear(50, hidden), nn.ReLU(), nn.Linear(hidden, 10))
"""


PYTEST = ("-q", "-p", "no:cacheprovider", "test_net.py")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_vgg19_is_vgg16_with_three_more_convolutions(capsys) -> None:
    assert main(["diff", "vgg16", "vgg19", "--device", "cpu"]) == 0
    assert (
        capsys.readouterr().out
        == """
  vgg16 -> vgg19

  layer               units           connections            weights
  + features.16    +802,816        +1,849,688,064           +589,824
  + features.25    +401,408        +1,849,688,064         +2,359,296
  + features.28    +100,352          +462,422,016         +2,359,296
    total        +1,304,576 +9.6%  +4,161,798,144 +26.9%  +5,308,416 +3.8%

  in all: units +9.6%, connections +26.9%, weights +3.8%
  16 rows are the same

"""
    )


def test_a_wider_network_has_the_same_layers_larger(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["freeze", "resnet50", "-o", "a.json", "--device", "cpu"]) == 0
    assert main(["freeze", "wide_resnet50_2", "-o", "b.json", "--device", "cpu"]) == 0
    assert main(["diff", "a.json", "b.json", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["what"] for row in report["rows"]} == {"larger"}
    assert len(report["rows"]) + report["same"] == 54
    assert report["totals"]["weights"]["change"] == sum(row["weights"]["change"] for row in report["rows"])
    assert main(["diff", "a.json", "b.json"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "  in all: units +29.6%, connections +178.7%, weights +169.8%" in text


def test_a_frozen_report_is_the_same_as_its_model(capsys) -> None:
    assert main(["freeze", "squeezenet1_1", "-o", "sizes.json", "--device", "cpu"]) == 0
    assert main(["diff", "sizes.json", "squeezenet1_1", "--device", "cpu"]) == 0
    same = "\n  sizes.json (squeezenet1_1) -> squeezenet1_1\n\n  26 rows are the same; nothing has changed\n\n"
    assert capsys.readouterr().out.endswith(same)


def test_gone_new_smaller_and_changed(capsys) -> None:
    layers = [("a", 10, 100, 20), ("b", 10, 100, 20), ("c", 10, 100, 20), ("d", 10, 100, 20)]
    Path("a.json").write_text(saved(layers))
    Path("b.json").write_text(saved([("a", 9, 90, 20), ("c", 9, 110, 20), ("d", 10, 100, 20), ("e", 1, 1, 1)]))
    assert main(["diff", "a.json", "b.json"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["<", "a", "-1", "-10.0%", "-10", "-10.0%", "="] in lines
    assert ["-", "b", "-10", "-100", "-20"] in lines
    assert ["~", "c", "-1", "-10.0%", "+10", "+10.0%", "="] in lines
    assert ["+", "e", "+1", "+1", "+1"] in lines


def saved(layers: list[tuple[str, int, int, int]], **other: object) -> str:
    rows = [
        {"path": path, "call": 0, "type": "Linear", "kind": "linear", "units": u, "connections": c, "weights": w}
        for path, u, c, w in layers
    ]
    totals = {q: sum(row[q] for row in rows) for q in ("units", "connections", "weights")}
    totals["parameters"] = totals["weights"]
    convention = {"bias": False, "pooling": False, "padding": True}
    report = {"schema": 1, "model": "saved", "convention": convention, "layers": rows, "totals": totals}
    return json.dumps(report | other)


ONE = [("a", 1, 1, 1)]
WRONG = [
    (saved(ONE)[:50], "b.json, line 1, column 48: this is no saved report, or not all of it"),
    ("[1, 2]", "b.json: expected a table, got a list"),
    ("{}", "is no saved report: it has no schema"),
    (saved(ONE, schema=2), "has schema 2, this netsize reads 1: freeze it again"),
    ('{"schema": 1}', "b.json: there is no key model"),
    (saved(ONE, convention={"bias": True, "pooling": False, "padding": True}), "these do not compare"),
]


@pytest.mark.parametrize("text, said", WRONG)
def test_reports_that_do_not_compare(text: str, said: str, capsys) -> None:
    Path("a.json").write_text(saved(ONE))
    Path("b.json").write_text(text)
    assert main(["diff", "a.json", "b.json"]) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert (output.out, len(output.err.splitlines())) == ("", 1)


@pytest.mark.parametrize(
    "condition, status",
    [("weights > +1%", 1), ("weights > 10%", 0), ("weights > +99", 1), ("weights > 100", 0), ("units > 0", 0)],
)
def test_fail_if(condition: str, status: int, capsys) -> None:
    Path("a.json").write_text(saved([("a", 1, 1, 1000)]))
    Path("b.json").write_text(saved([("a", 1, 1, 1100)]))
    assert main(["diff", "a.json", "b.json", "--fail-if", condition]) == status
    assert (f"netsize: {condition} holds" in capsys.readouterr().err) == (status == 1)


@pytest.mark.parametrize("condition", ["weights", "wights > 1%", "weights > many", "weights < 1%"])
def test_fail_if_that_says_nothing(condition: str, capsys) -> None:
    Path("a.json").write_text(saved(ONE))
    assert main(["diff", "a.json", "a.json", "--fail-if", condition]) == 2
    assert "expected one of units, connections, weights" in capsys.readouterr().err


def test_a_project_from_scratch_turns_red_when_its_network_grows(netsize, folder: Path) -> None:
    (folder / "net.py").write_text(NET)
    (folder / "pyproject.toml").write_text(
        '[[tool.netsize.case]]\nname = "budget"\nmodel = "net.py:Net"\ninput = "50"\n'
        'weights = "<= 6050"  # what fits on our device\nlayers."0".weights = "<= 5050"  # the same\n'
        '[[tool.netsize.case]]\nname = "frozen"\nmodel = "net.py:Net"\ninput = "50"\nfrozen = "sizes.json"\n'
    )
    (folder / "test_net.py").write_text(
        "from net import Net\n\ndef test_size(netsize):\n"
        "    netsize.assert_size(Net(), input='50', weights='<= 6050', layers={'0': {'weights': '<= 5050'}})\n"
    )
    assert netsize("freeze", "net.py:Net", "--input", "50", "-o", "sizes.json").status == 0
    green = netsize("check")
    assert (green.status, green.stdout.splitlines()[-1]) == (0, "2 of 2 cases passed, 5 numbers")
    done = netsize(*PYTEST, module="pytest")
    assert done.status == 0, done.stdout

    # 2 % more. A longer file, too: Python knows by second and size whether what it has compiled is this one.
    (folder / "net.py").write_text(NET.replace("hidden=100", "hidden=102") + "# wider\n")
    red = netsize("check")
    assert red.status == 1
    assert "    0: weights expected <= 5050, counted 5,100, difference +50\n" in red.stdout
    assert "    0: weights expected 5,000, counted 5,100, difference +100\n      source: sizes.json\n" in red.stdout
    assert "0 of 2 cases passed" in red.stdout
    done = netsize(*PYTEST, module="pytest")
    assert done.status == 1
    assert "0: weights expected <= 5050, counted 5,100, difference +50" in done.stdout
    assert "linear 50 -> 102" in done.stdout  # the table of the largest layers


def test_assert_size_tells_what_it_cannot_do(netsize, folder: Path) -> None:
    (folder / "test_net.py").write_text(
        "import pytest\nfrom torch import nn\n\ndef test_size(netsize):\n"
        "    with pytest.raises(TypeError, match='say what size'):\n        netsize.assert_size(nn.Linear(4, 2), '4')\n"
        "    with pytest.raises(TypeError, match='a layer has no'):\n"
        "        netsize.assert_size(nn.Linear(4, 2), '4', layers={'': {'parameters': 3}})\n"
        "    report = netsize.assert_size(nn.Linear(4, 2), '4', weights=8, device='cpu')\n"
        "    assert report.totals.biases == 2\n"
    )
    done = netsize(*PYTEST, module="pytest")
    assert done.status == 0, done.stdout


SAVED = """
  lenet5 · saved in sizes.json · input 1x32x32

  layer     kind      output   units        connections        weights
  C1        conv      6x28x28  4,704 58.1%      117,600 35.3%      150  0.3%
"""


def test_a_saved_report_is_shown_and_brings_its_input(netsize, folder: Path) -> None:
    """At 3x64x64, which is not what squeezenet takes by default."""
    assert netsize("freeze", "lenet5", "-o", "sizes.json", "--device", "cpu").status == 0
    shown = netsize("sizes.json", columns=100)
    assert (shown.status, shown.stdout.startswith(SAVED)) == (0, True), shown.stdout
    assert netsize("sizes.json", "--json").stdout == (folder / "sizes.json").read_text()
    netsize("freeze", "squeezenet1_1", "--input", "3x64x64", "-o", "small.json", "--device", "cpu")
    same = netsize("diff", "small.json", "squeezenet1_1", "--device", "cpu").stdout
    assert "small.json (squeezenet1_1) -> squeezenet1_1" in same and "nothing has changed" in same
    other = netsize("diff", "squeezenet1_1", "small.json", "--input", "3x224x224", "--device", "cpu").stdout
    assert "squeezenet1_1 -> small.json (squeezenet1_1)" in other and "weights" in other


@pytest.mark.parametrize("words, said", [
    ("train sizes.json", "netsize: sizes.json is a saved report, and no network. `netsize sizes.json` shows it, diff "
                         "and compare take it\n"),
    ("sizes.json --depth 1", "netsize: sizes.json is a saved report: it is shown whole, as it was counted\n"),
])  # fmt: skip
def test_a_saved_report_is_no_network(netsize, folder: Path, words: str, said: str) -> None:
    netsize("freeze", "lenet5", "-o", "sizes.json", "--device", "cpu")
    done = netsize(*words.split())
    assert (done.status, done.stderr) == (2, said)
