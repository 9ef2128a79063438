"""A command line that was answered before: printed again, or answered anew where it would be another answer.

Where a network has to be run, a fork does it (`netsize`); what is remembered is asked for by new processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from netsize.files import entries

COUNT = ("lenet5", "--device", "cpu")  # 332,824 connections: known_counts, derived by hand


class Answer(NamedTuple):
    text: str
    status: int
    parsed: bool  # typer was imported for it


def run(*line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    here = {name: value for name, value in os.environ.items() if name != "COLUMNS"}  # pytest's workers have it
    return subprocess.run([sys.executable, *line], capture_output=True, text=True, env=here | environment)


def asked(*line: str, **environment: str) -> Answer:
    """A process of its own."""
    done = run("-X", "importtime", "-m", "netsize", *line, **environment)
    return Answer(done.stdout, done.returncode, "| typer" in done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, forks: Callable[..., dict[str, Any]]) -> Path:
    """A cache in which the answer was counted, and is kept as it will be printed."""
    folder = tmp_path_factory.mktemp("cache")
    variables = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    forks(arguments=COUNT, folder=str(folder), environment={**variables, "NETSIZE_CACHE": str(folder)})
    return folder


@pytest.fixture
def printed(folder: Path) -> str:
    shutil.copytree(folder, entries.place())
    return asked(*COUNT).text


def test_the_second_time_it_is_printed_again(printed: str, netsize) -> None:
    entries.clear()
    first, second, third = netsize(*COUNT), asked(*COUNT), asked(*COUNT)
    assert "332,824" in first.stdout and "remembered" not in first.stdout
    assert second == third == Answer(printed, 0, parsed=False)
    assert "332,824" in printed and "remembered from 20" in printed
    parsed = asked(*COUNT, "--json")  # another line is another answer, and other words for the same are another line
    assert parsed.parsed and asked("lenet5", "--device=cpu") == Answer(printed, 0, parsed=True)
    assert [file.suffix for file, _ in entries.files()].count(entries.PRINTED) == 3


def test_what_is_to_be_run_again_is(printed: str, netsize) -> None:
    line = (*COUNT, "--fresh")
    assert all("remembered" not in netsize(*line).stdout for _ in range(2))


def test_what_was_printed_is_no_result_of_its_own(printed: str) -> None:
    place = f"in {entries.place()}\n"
    assert asked("cache").text.startswith("1 remembered results, ") and asked("cache").text.endswith(place)
    assert asked("cache", "--clear").text == f"1 remembered results of {entries.place()} are forgotten\n"
    assert list(entries.files()) == []


def mangle(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content.replace(b"332,824", b"332,825"))


def printings() -> list[Path]:
    return [file for file, _ in entries.files() if file.suffix == entries.PRINTED]


CHANGES: dict[str, Callable[[], object]] = {
    "the printing is another one": lambda: [mangle(file) for file in printings()],
    "the printing is half": lambda: [file.write_bytes(file.read_bytes()[:-9]) for file in printings()],
    "somebody else can have written it": lambda: [file.chmod(0o666) for file in printings()],
    "a folder is called like the network": lambda: Path("lenet5").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_may_be_another_answer_is_answered_anew(
    change: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not asked(*COUNT).parsed
    CHANGES[change]()
    answer = asked(*COUNT)
    assert answer.parsed and answer.status == 0 and "332,824" in answer.text


def test_facts_that_were_found_again(printed: str, netsize) -> None:
    assert netsize(*COUNT, "--fresh", "--top", "1").status == 0
    assert asked(*COUNT).parsed


FORGOTTEN: dict[str, Callable[[], object]] = {
    "all": entries.clear,
    "the facts alone": lambda: [file.unlink() for file, _ in entries.files() if file.suffix == entries.ENDING],
}


@pytest.mark.parametrize("what", FORGOTTEN)
def test_what_is_forgotten_is_run_again(what: str, printed: str, netsize) -> None:
    FORGOTTEN[what]()
    answer = netsize(*COUNT)
    assert answer.status == 0 and "332,824" in answer.stdout and "remembered" not in answer.stdout


SHOWN = [
    # environment, what is different then
    ({"COLUMNS": "80"}, "narrow"),
    ({"PYTHONIOENCODING": "ascii"}, "ascii"),
    ({"TZ": "Pacific/Kiritimati"}, "14 hours later"),
]


@pytest.mark.parametrize("environment, why", SHOWN)
def test_a_terminal_of_another_kind_is_shown_another_answer(
    environment: dict[str, str], why: str, printed: str
) -> None:
    answer = asked(*COUNT, **environment)
    assert answer.parsed and answer.text != printed
    again = asked(*COUNT, **environment)
    assert not again.parsed and again.text == answer.text
    assert asked(*COUNT).text == printed


def test_colours_that_are_not_wanted(printed: str) -> None:
    line = (*COUNT, "--color", "always")
    coloured = [asked(*line) for _ in range(2)]
    assert "\x1b[3" in coloured[0].text and not coloured[1].parsed
    plain = asked(*line, NO_COLOR="1")
    assert plain.parsed and "\x1b[3" not in plain.text


def test_a_file_that_is_gone(tmp_path: Path, netsize) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"model_type": "gpt2", "n_layer": 1, "n_embd": 8, "n_head": 2, "vocab_size": 9}')
    line = (str(config), "--tokens", "4", "--device", "cpu")
    assert netsize(*line).status == 0
    assert asked(*line).parsed
    config.unlink()
    assert asked(*line).status == 2


def test_other_sources_give_another_answer(printed: str, tmp_path: Path) -> None:
    """As in a copy of netsize with another formula."""
    shutil.copytree(
        Path(entries.__file__).parents[1], tmp_path / "netsize", ignore=shutil.ignore_patterns("__pycache__")
    )
    formulas = tmp_path / "netsize" / "lecture" / "formulas.py"
    text = formulas.read_text().replace("return self.units * self.fan_in", "return 2 * self.units * self.fan_in")
    formulas.write_text(text)
    answer = asked(*COUNT, PYTHONPATH=str(tmp_path), PYTHONSAFEPATH="1")
    assert answer.parsed and "665,648" in answer.text


KEEP = """
from netsize.commands import repeated
from netsize.run.answer import question
assert repeated.again(["lenet5", "--strict"]) is None
repeated.keep(question("lenet5", device="cpu"), "as it was printed\\n", 1)
"""


def test_the_status_is_that_of_then(printed: str) -> None:
    assert run("-c", KEEP).returncode == 0
    assert asked("lenet5", "--strict") == Answer("as it was printed\n", 1, False)


def test_what_files_say_is_not_kept(tmp_path: Path, netsize) -> None:
    (tmp_path / "net.py").write_text("from torch import nn\nnet = lambda: nn.Linear(4, 3)\n")
    line = (f"{tmp_path}/net.py:net", "--input", "4", "--device", "cpu", "--cache")
    assert netsize(*line).status == 0
    answers = [asked(*line) for _ in range(2)]
    assert "remembered from" in answers[1].text and answers[1].parsed
    assert printings() == []


def test_settings_and_inputs_are_part_of_it(netsize) -> None:
    line = ("alexnet", "--set", "num_classes=10", "--input", "3x64x64", "--device", "cpu", "--bias")
    assert netsize(*line).status == 0
    again = asked(*line)
    assert not again.parsed and "linear 4096 -> 10" in again.text and "remembered from" in again.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_and_a_closed_stdout(printed: str) -> None:
    netsize = f"{sys.executable} -m netsize"
    command = f"{netsize} {' '.join(COUNT)}"
    for line, said in (
        (f"{command} >/dev/full", "stdout cannot be written"),
        (f"{command} >&-", "stdout is closed"),
        (f"{netsize} list >&-", "stdout is closed"),
        (f"{netsize} help >&-", "stdout is closed"),
    ):
        shown = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
        assert shown.returncode == 2 and said in shown.stderr and len(shown.stderr.splitlines()) == 1
    assert subprocess.run(["bash", "-c", f"{command} | head -1 >/dev/null"], capture_output=True).stderr == b""


def test_a_line_of_another_process_is_not_kept() -> None:
    """Who calls the commands from Python has another command line, or none."""
    code = f"from netsize.commands.cli import main\nfor _ in range(3): assert main({list(COUNT)!r}) == 0"
    assert run("-c", code).returncode == 0
    assert printings() == []
