"""Remembered results: answers without torch, and the right answer whatever happens to the cache."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import netsize as api
from netsize.commands.cli import main
from netsize.facts import cache
from netsize.files import entries
from netsize.run.answer import ask, question
from netsize.sources.settings import Settings

CONNECTIONS = 332_824  # of lenet5 by the homework's convention: known_counts, derived by hand
WITHOUT_TORCH = """
import sys
from netsize.commands.cli import main
for line in {!r}:
    assert main(line) == 0, line
    assert 'torch' not in sys.modules, line
"""


def run(*lines: list[str]) -> subprocess.CompletedProcess:
    """In a fresh interpreter; it fails if torch was imported."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH.format(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def entry() -> Path:
    (file,) = (file for file, _ in entries.files())
    return file


def connections(text: str) -> int:
    return json.loads(text)["totals"]["connections"]


def test_the_same_question_needs_no_torch(tmp_path: Path) -> None:
    """In any format, depth and convention, and for the commands that ask about networks seen before."""
    saved = tmp_path / "lenet5.json"
    for arguments in (
        ["lenet5"],
        ["compare", "lenet5"],
        ["list", "lenet5", "--counts"],
        ["lenet5", "--receptive-field"],
    ):
        assert main([*arguments, "--device", "auto"]) == 0
    run(
        ["lenet5"], ["lenet5", "--json"], ["lenet5", "--bias", "--pooling", "--format", "csv"],
        ["lenet5", "--depth", "1"], ["lenet5", "--all"], ["lenet5", "--freeze", "C1", "--examples", "mnist"],
        ["compare", "lenet5"], ["list", "lenet5", "--counts"], ["freeze", "lenet5", "-o", str(saved)],
        ["diff", str(saved), "lenet5"], ["explain", "lenet5"], ["lenet5", "--receptive-field"],
    )  # fmt: skip


def test_check_needs_no_torch(tmp_path: Path) -> None:
    """Torchvision's own numbers are remembered with the network."""
    case = '[[case]]\nmodel = "squeezenet1_1"\npublished = "torchvision"\nverify = false\n'
    (tmp_path / "case.toml").write_text(case)
    assert main(["check", str(tmp_path / "case.toml")]) == 0
    assert "1 of 1 cases passed, 2 numbers" in run(["check", str(tmp_path / "case.toml")]).stdout


def test_it_says_so_and_says_the_same(capsys) -> None:
    texts = []
    for arguments in ([], [], ["--fresh"]):
        assert main(["lenet5", "--device", "cpu", "--json", *arguments]) == 0
        texts.append(json.loads(capsys.readouterr().out))
    when = [text["verification"].pop("remembered") for text in texts]
    seconds = [text["verification"].pop("seconds") for text in texts]
    assert when[0] is None and when[1].endswith("+00:00") and when[2] is None
    assert seconds[0] == seconds[1]  # those of the run that is remembered
    assert texts[0] == texts[1] == texts[2]
    assert main(["lenet5", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "✓ 9 of 9 layers verified by a forward pass on cpu (remembered from 20" in said
    assert "; --fresh runs it again)" in said


def test_facts_come_back_as_they_were() -> None:
    for name in ("lenet5", "vit_b_32", "googlenet"):
        asked = question(name, device="cpu", verify=False)
        first = ask(asked, lambda _: None)
        again = cache.recall(asked)
        assert again is not None and again.remembered
        from dataclasses import replace

        assert replace(again, remembered="") == first


OTHERS = [
    # what makes it another question
    {"input": ["1x64x64"]},
    {"settings": Settings((("num_classes", 11),))},
    {"device": "cuda"},
    {"verify": False},
    {"batch": False},
    {"fields": "all"},
    {"classes": 3},
    {"until": "C1"},
]


@pytest.mark.parametrize("other", OTHERS)
def test_another_question_is_another_entry(other: dict) -> None:
    asked = question("lenet5", device="cpu")
    cache.remember(asked, ask(asked, lambda _: None), {})
    assert cache.recall(asked) is not None
    assert cache.recall(question("lenet5", **({"device": "cpu"} | other))) is None


def test_other_sources_are_another_entry(tmp_path: Path) -> None:
    """A copy of netsize with another formula must not meet the results of the old one; one that is the same does."""
    assert main(["lenet5", "--device", "cpu"]) == 0
    shutil.copytree(
        Path(api.__file__).parent, tmp_path / "copy" / "netsize", ignore=shutil.ignore_patterns("__pycache__")
    )
    place = {"PYTHONPATH": str(tmp_path / "copy")}

    def counted() -> tuple[int, bool]:
        command = [sys.executable, "-m", "netsize", "lenet5", "--device", "cpu", "--json"]
        done = subprocess.run(command, env=os.environ | place, capture_output=True, text=True, cwd=tmp_path)
        assert done.stderr == ""
        report = json.loads(done.stdout)
        return report["totals"]["connections"], report["verification"]["remembered"] is not None

    assert counted() == (CONNECTIONS, True)
    formulas = tmp_path / "copy" / "netsize" / "lecture" / "formulas.py"
    formulas.write_text(
        formulas.read_text().replace("return self.units * self.fan_in", "return 2 * self.units * self.fan_in")
    )
    assert counted() == (2 * CONNECTIONS, False)


def test_a_failed_verification_is_never_remembered(monkeypatch) -> None:
    from netsize.lecture.formulas import Linear

    monkeypatch.setattr(Linear, "connections", property(lambda self: 1))
    assert main(["lenet5", "--device", "cpu"]) == 1
    assert list(entries.files()) == []


def mangled(text: bytes, how: int) -> bytes:
    """Truncated, a byte flipped, empty, something else, twice ..."""
    at = random.Random(how).randrange(len(text))
    flipped = text[:at] + bytes([text[at] ^ 1 << how % 8]) + text[at + 1 :]
    whole = [b"", b"\n", b"{}", b"\x00" * 999, text + text, text[::-1], text + b" ", b"null\nnull\nnull"]
    return whole[how // 10] if how % 10 == 0 else text[:at] if how % 2 else flipped


@pytest.mark.parametrize("how", range(60))
def test_a_broken_entry_is_not_there(how: int, capsys) -> None:
    assert main(["lenet5", "--no-verify", "--json"]) == 0
    file = entry()
    file.write_bytes(mangled(file.read_bytes(), how))
    assert main(["lenet5", "--no-verify", "--json"]) == 0
    first, second = (json.loads(text) for text in capsys.readouterr().out.replace("}\n{", "}\0{").split("\0"))
    assert second["totals"] == first["totals"]
    assert second["verification"]["remembered"] is None
    assert main(["lenet5", "--no-verify", "--json"]) == 0  # and it has been mended
    assert json.loads(capsys.readouterr().out)["verification"]["remembered"] is not None


def test_the_entry_of_another_network_under_this_name(capsys) -> None:
    assert main(["alexnet_2012", "--no-verify"]) == 0
    other = entry().read_bytes()
    entries.clear()
    assert main(["lenet5", "--no-verify"]) == 0
    entry().write_bytes(other)
    capsys.readouterr()
    assert main(["lenet5", "--no-verify", "--json"]) == 0
    assert connections(capsys.readouterr().out) == CONNECTIONS


def impossible_places(tmp_path: Path) -> list[Path]:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return [tmp_path / "file" / "below", tmp_path / "file", tmp_path / "loop", Path("/proc/netsize"), Path("/dev/null")]


def test_a_place_that_cannot_be(tmp_path: Path, monkeypatch, capsys) -> None:
    """Below a file, a file, a link to itself, a folder that is read-only for everybody, a device."""
    for place in impossible_places(tmp_path):
        monkeypatch.setenv("NETSIZE_CACHE", str(place))
        for _ in range(2):
            assert main(["lenet5", "--no-verify", "--json"]) == 0
            captured = capsys.readouterr()
            assert connections(captured.out) == CONNECTIONS and captured.err == ""
        assert main(["cache"]) == 0
        capsys.readouterr()


def test_a_folder_where_the_entry_should_be(capsys) -> None:
    assert main(["lenet5", "--no-verify"]) == 0
    file = entry()
    file.unlink()
    file.mkdir()
    capsys.readouterr()
    assert main(["lenet5", "--no-verify", "--json"]) == 0
    assert connections(capsys.readouterr().out) == CONNECTIONS


def test_a_full_disk(tmp_path: Path) -> None:
    """No file may grow beyond 8 KiB: writing the entry, of 12, fails in the middle, as on a disk that is full. (Python
    itself keeps what it has compiled in halves then: it is to keep nothing.)"""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    command = [sys.executable, "-B", "-m", "netsize", "lenet5", "--device", "cpu", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    assert (done.returncode, done.stderr) == (0, "")
    assert connections(done.stdout) == CONNECTIONS
    assert list(entries.files()) == []


FIFTY = """
import os, sys
from netsize.commands.cli import main
from netsize.facts import cache
from netsize.run.answer import question

asked = question("lenet5", device="cpu", verify=False)
network = cache.recall(asked)
assert network is not None
ready, go = os.pipe()

def work(number):
    os.close(go)
    os.read(ready, 1)  # until all are there
    for _ in range(10):
        cache.remember(asked, network, {"connections": 1})
        again = cache.recall(asked)
        assert again is not None and again.calls == network.calls, again
    assert main(["lenet5", "--no-verify", "--device", "cpu", "--json", "-o", f"{number}.json"]) == 0

children = []
for number in range(50):
    child = os.fork()
    if not child:
        try:
            work(number)
            os._exit(0)
        finally:
            os._exit(1)
    children.append(child)
os.close(go)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 50
assert "torch" not in sys.modules
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fifty_processes_at_once(tmp_path: Path) -> None:
    """All of them write and read the same entry, again and again: what is read is always whole."""
    assert main(["lenet5", "--no-verify", "--device", "cpu"]) == 0
    done = subprocess.run([sys.executable, "-c", FIFTY], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    assert [file.suffix for file, _ in entries.files()] == [entries.ENDING]
    assert {connections(file.read_text()) for file in tmp_path.glob("*.json")} == {CONNECTIONS}
    assert len(list(tmp_path.glob("*.json"))) == 50


KILLS = """
import os, signal, time
from netsize.facts import cache
from netsize.run.answer import question
asked = question("lenet5", device="cpu", verify=False)
network = cache.recall(asked)
assert network is not None
for moment in range(40):
    child = os.fork()
    while not child:
        cache.remember(asked, network, {"connections": 1})
    time.sleep(moment * 0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    again = cache.recall(asked)
    assert again is not None and again.calls == network.calls, again
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_killed_while_writing(capsys) -> None:
    """kill -9 at forty moments: what is left is a whole entry, and drafts that nobody reads."""
    assert main(["lenet5", "--no-verify", "--device", "cpu"]) == 0
    subprocess.run([sys.executable, "-c", KILLS], check=True)
    capsys.readouterr()
    assert main(["cache", "--clear"]) == 0
    assert list(entries.files()) == []


def test_python_files_only_if_asked_and_until_one_changes(tmp_path: Path, netsize) -> None:
    (tmp_path / "sizes_of_net.py").write_text("WIDTH = 3\n")
    (tmp_path / "net.py").write_text(
        "from torch import nn\nfrom sizes_of_net import WIDTH\ndef net(): return nn.Linear(4, WIDTH)\n"
    )

    def counted(*more: str) -> tuple[int, bool]:
        report = netsize("net.py:net", "--input", "4", "--no-verify", "--json", *more).json
        return report["totals"]["connections"], report["verification"]["remembered"] is not None

    assert [counted(), counted()] == [(12, False), (12, False)]
    assert [counted("--cache"), counted("--cache")] == [(12, False), (12, True)]
    (tmp_path / "sizes_of_net.py").write_text(
        "WIDTH = 10\n"
    )  # as long a text, in the same second, Python would not see
    assert [counted("--cache"), counted("--cache")] == [(40, False), (40, True)]


def test_the_place_and_its_size(capsys, monkeypatch, tmp_path: Path) -> None:
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.startswith("0 remembered results, 0.0 MiB, in ")
    assert main(["lenet5", "--no-verify"]) == 0
    capsys.readouterr()
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"1 remembered results, 0.0 MiB, in {os.environ['NETSIZE_CACHE']}\n"
    assert main(["cache", "--clear"]) == 0
    assert "1 remembered results" in capsys.readouterr().out
    monkeypatch.delenv("NETSIZE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert entries.place() == tmp_path / "xdg" / "netsize"


def test_list_counts(capsys) -> None:
    command = ["list", "squeezenet*", "--counts", "--no-verify", "--device", "cpu"]
    assert main([*command, "--sort", "weights", "--json"]) == 0
    networks = json.loads(capsys.readouterr().out)["networks"]
    assert [(n["model"], n["weights"]) for n in networks] == [
        ("squeezenet1_0", 1_244_448),
        ("squeezenet1_1", 1_231_552),
    ]
    assert main([*command, "--max-weights", "1.24M"]) == 0
    shown = capsys.readouterr().out
    assert "squeezenet1_1" in shown and "squeezenet1_0" not in shown and "1 networks have more weights" in shown


def test_list_counts_verifies_by_default(capsys) -> None:
    assert main(["list", "historical", "--counts"]) == 2  # no name has this in it
    assert main(["list", "--family", "historical", "--counts", "--device", "cpu", "--json"]) == 0
    networks = json.loads(capsys.readouterr().out)["networks"]
    assert {network["verified"] for network in networks} == {"passed"}
    assert next(n for n in networks if n["model"] == "lenet5")["connections"] == CONNECTIONS


ERRORS = [
    (["list", "--counts", "--sort", "weihgts"], "--sort weihgts: there are units, connections, weights"),
    (["list", "--family", "resnte"], "--family resnte: there is no such family. Did you mean resnet"),
    (["list", "--counts", "--max-weights", "many"], "--max-weights many: expected a number like 50000 or 1.2M"),
    (["list", "--sort", "weights"], "belong to list --counts"),
    (["list", "alexnet", "--family", "resnet"], "--family resnet: none of its models matches 'alexnet'"),
    (["list", "--counts", "--device", "gpu"], "--device gpu: there are auto, cpu, cuda, mps"),
]


@pytest.mark.parametrize("arguments, message", ERRORS)
def test_errors(arguments: list[str], message: str, capsys) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_cache_belongs_to_its_user_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("NETSIZE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert main(["lenet5", "--no-verify", "-o", str(tmp_path / "x.json")]) == 0
    folder = entries.place()
    assert folder.parent == tmp_path / "caches"
    assert (folder.stat().st_mode & 0o777, entry().stat().st_mode & 0o777) == (0o700, 0o600)
    folder.chmod(0o755)  # as an older netsize has made it
    assert main(["lenet5", "--fresh", "--no-verify", "-o", str(tmp_path / "x.json")]) == 0
    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_entry_that_others_could_have_written_is_not_read() -> None:
    asked = question("lenet5", verify=False)
    ask(asked, lambda _: None)
    assert cache.recall(asked) is not None
    entry().chmod(0o666)
    assert cache.recall(asked) is None
    entry().chmod(0o600)
    assert cache.recall(asked) is not None
    if os.getuid() == 0:  # only root can give files away
        os.chown(entry(), 12345, 12345)
        assert cache.recall(asked) is None


def test_clearing_removes_its_own_files_only() -> None:
    ask(question("lenet5", verify=False), lambda _: None)
    others = [entries.place() / name for name in ("notes.netsize", "work.draft", ".hidden", f"{'a' * 40}.json")]
    for file in others:
        file.write_text("mine")
    assert entries.clear() == 1
    assert sorted(entries.place().iterdir()) == sorted(others)
