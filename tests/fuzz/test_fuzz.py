"""Command lines and files with something wrong in them: an answer, or a few lines that say what; never a traceback.
`pytest tests/fuzz --fuzz 20000` tries so many of each."""

import json
import os
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import files
import pytest
import words
from forked import Ended
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
CONFIG = {
    "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 37,
    "vocab_size": 99,
}  # fmt: skip
WEIGHTS = {
    "__metadata__": {"format": "pt"},
    "a.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "a.bias": {"dtype": "U8", "shape": [8], "data_offsets": [24, 32]},
}


@pytest.fixture(scope="session")
def run(forks: Callable[..., dict[str, Any]]) -> Callable[[list[str], Path], Ended]:
    return lambda arguments, folder: Ended(
        **forks(arguments=arguments, folder=str(folder), environment=dict(os.environ))
    )


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory, run: Callable[[list[str], Path], Ended]) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "whole"
    folder.mkdir()
    words.lay_out(folder, b"{}")
    done = run(["freeze", "net.py:Net", "--input", "3x8x8", "--device", "cpu", "-o", "sizes.json"], folder)
    assert done.status == 0, done
    (folder / "a.safetensors").write_bytes(files.as_safetensors(WEIGHTS))
    return folder


def tried(examples: int) -> Callable[[Any], Any]:
    """The same examples each time: the seed is fixed."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def check(run: Callable[[list[str], Path], Ended], arguments: list[str], whole: Path, **changed: bytes) -> None:
    folder = whole.parent / "spoilt"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder, symlinks=True)
    for name, content in changed.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    ended = run(arguments, folder)
    assert not ended.faults, (ended.faults, arguments, ended.stderr[-2000:], changed)


def test_command_lines(run, laid_out: Path, request: pytest.FixtureRequest) -> None:
    @seed(1)
    @tried(request.config.getoption("--fuzz"))
    @given(words.command_lines())
    def each(line: list[str]) -> None:
        check(run, line, laid_out)

    each()


@dataclass(frozen=True)
class Kind:
    """A file, how its data are written, and command lines that read it."""

    name: str
    write: Callable[[Any], bytes]
    lines: tuple[str, ...]


KINDS = {
    "report": Kind("bad_json", files.as_json, (
        "diff bad.json sizes.json", "diff sizes.json bad.json --fail-if weights>1% -o x.html",
        "compare bad.json sizes.json", "compare sizes.json bad.json --format latex", "diff bad.json sizes.json --json",
    )),
    "cases": Kind("bad_toml", files.as_toml, (
        "check bad.toml", "check bad.toml --update", "check bad.toml --format junit",
    )),
    "project": Kind("pyproject_toml", files.as_toml, ("check", "check --update", "check --format github")),
    "config": Kind("config_json", files.as_json, ("config.json --no-verify",)),
    "weights": Kind("a_safetensors", files.as_safetensors, ("a.safetensors", "a.safetensors --json")),
    "index": Kind("a.safetensors_index_json", files.as_json, ("a.safetensors.index.json",)),
}  # fmt: skip


def whole(kind: str, folder: Path) -> tuple[bytes, Any]:
    """What such a file holds, as bytes and as data."""
    if kind == "report":
        content = (folder / "sizes.json").read_bytes()
        return content, json.loads(content)
    if kind in ("config", "weights", "index"):
        data = {"config": CONFIG, "weights": WEIGHTS, "index": {"weight_map": {"a.weight": "a.safetensors"}}}[kind]
        return KINDS[kind].write(data), data
    text = words.CASES if kind == "cases" else words.PROJECT
    return text.encode(), tomllib.loads(text)


@pytest.mark.parametrize("kind", KINDS)
def test_files(kind: str, run, laid_out: Path, request: pytest.FixtureRequest) -> None:
    content, data = whole(kind, laid_out)
    spoilt = st.one_of(files.data(data).map(KINDS[kind].write), files.content(content))

    @seed(1)
    @tried(request.config.getoption("--fuzz"))
    @given(spoilt, st.sampled_from(KINDS[kind].lines))
    def each(text: bytes, line: str) -> None:
        check(run, line.split(), laid_out, **{KINDS[kind].name: text})

    each()
