"""netsize ci, as a workflow runs it: on a repository with two commits, and with a server in the place of GitHub's."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, {width}, 3), nn.Flatten(), nn.Linear({width} * 36, 5))
"""
CASES = """
[project]
name = "mine"

[[tool.netsize.case]]
model = "src/mine/net.py:Net"
input = "3x8x8"
weights = "<= 1.1K"
[tool.netsize.case.layers.2]
weights = "<= 750"
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Of two commits: a network in a package in src, which then gets one feature more (or what a test writes)."""
    (tmp_path / "src" / "mine").mkdir(parents=True)
    (tmp_path / "src" / "mine" / "__init__.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(CASES)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.email", "a@example.org")
    git(tmp_path, "config", "user.name", "A")
    write(tmp_path, NET.format(width=4))
    commit(tmp_path)
    write(tmp_path, NET.format(width=5))
    commit(tmp_path)
    return tmp_path


def write(repository: Path, network: str) -> None:
    (repository / "src" / "mine" / "net.py").write_text(network)


def commit(repository: Path) -> None:
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "x")


# conv 3x3, 3 -> 4: 108 weights, 36 places; linear 144 -> 5: 720; and 4 -> 5: 135 and 180 -> 5: 900, which is too many


def test_a_network_that_grew_beyond_its_budget(netsize, repository: Path) -> None:
    done = netsize("ci", "--base", "HEAD~1", "--device", "cpu")
    assert (done.status, done.stderr) == (1, "")
    text = (repository / "netsize-reports" / "summary.md").read_text()
    assert text in done.stdout
    assert "| weights |" in text and "2: weights expected" in text
    assert "| 185 (+24.2%) | 5,760 (+25.0%) | 1,035 (+25.0%) | 1,045 (+24.9%) |" in text
    assert "<details><summary>" in text
    report = json.loads((repository / "netsize-reports" / "src-mine-net.py-Net.json").read_text())
    assert report["totals"]["weights"] == 1035
    assert (repository / "netsize-reports" / "src-mine-net.py-Net.html").read_text().startswith("<!DOCTYPE html>")
    assert git(repository, "worktree", "list").count("\n") == 0  # that of the base is gone


def test_annotations_have_the_line(netsize, repository: Path) -> None:
    page = repository / "step.md"
    done = netsize("ci", "--base", "HEAD~1", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    line = CASES.splitlines().index('weights = "<= 750"') + 1
    assert done.stdout.startswith(
        f"::error file=pyproject.toml,line={line},title=netsize%3A src/mine/net.py%3ANet::2: "
    )
    assert page.read_text() == (repository / "netsize-reports" / "summary.md").read_text() + "\n"


def test_budgets_that_are_kept(netsize, repository: Path) -> None:
    (repository / "pyproject.toml").write_text(CASES.replace("750", "2K"))
    done = netsize("ci", "--base", "HEAD~1")
    assert (done.status, done.stderr) == (0, "")
    assert "1 of 1 cases passed" in done.stdout and "(+25.0%)" in done.stdout  # it grew all the same


BASES = [
    # how it comes that there is none, and what is said
    ("0000000000000000000000000000000000000000", "there is no commit before this one"),
    ("no-such-branch", "there is no commit no-such-branch in this clone"),
    ("", "none is said (--base)"),
    ("--upload-pack=x", "there is no commit --upload-pack=x in this clone"),
]


@pytest.mark.parametrize("base, said", BASES)
def test_no_base(netsize, repository: Path, base: str, said: str) -> None:
    done = netsize("ci", f"--base={base}")
    assert done.status == 1  # by the budgets alone
    assert f"Compared with no base: {said}" in done.stdout.replace("\\", "")


def test_a_base_that_does_not_run(netsize, repository: Path) -> None:
    write(repository, "import a_package_that_is_not_there\n")
    commit(repository)
    write(repository, NET.format(width=4))
    done = netsize("ci", "--base", "HEAD")
    assert done.status == 0, done.stdout
    assert "Compared with no base:" in done.stdout and "a_package_that_is_not_there" in done.stdout.replace("\\", "")


def test_a_folder_without_git(netsize, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[[tool.netsize.case]]\nmodel = "lenet5"\nweights = "<= 1M"\n')
    done = netsize("ci", "--base", "HEAD")
    assert (done.status, "Compared with no base: fatal: not a git repository" in done.stdout) == (0, True)


class GitHub(BaseHTTPRequestHandler):
    """Comments of one pull request; with another token nothing may be written."""

    comments: list[dict[str, Any]]

    def answer(self, status: int, content: Any) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def do_GET(self) -> None:
        self.answer(200, self.comments if self.path.endswith("page=1") else [])

    def written(self) -> str | None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if self.headers["Authorization"] == "Bearer may":
            return str(text)
        self.answer(403, {"message": "Resource not accessible by integration"})
        return None

    def do_POST(self) -> None:
        if (text := self.written()) is not None:
            self.comments.append({"id": len(self.comments), "body": text})
            self.answer(201, {})

    def do_PATCH(self) -> None:
        if (text := self.written()) is not None:
            self.comments[int(self.path.rpartition("/")[2])]["body"] = text
            self.answer(200, {})

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def github(tmp_path: Path):
    GitHub.comments = [{"id": 0, "body": "a comment of somebody"}]
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 7}}')
    with HTTPServer(("127.0.0.1", 0), GitHub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {
            "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}", "GITHUB_REPOSITORY": "somebody/mine",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        }  # fmt: skip
        server.shutdown()


def test_one_comment_is_changed(netsize, repository: Path, github: dict[str, str]) -> None:
    first = netsize("ci", "--base", "HEAD~1", "--comment", **github, GITHUB_TOKEN="may")
    assert first.stderr == ""
    write(repository, NET.format(width=4))
    netsize("ci", "--base", "HEAD~1", "--comment", **github, GITHUB_TOKEN="may")
    assert len(GitHub.comments) == 2
    assert GitHub.comments[1]["body"].startswith("<!-- netsize -->\n### Network sizes")
    assert "1 of 1 cases passed" in GitHub.comments[1]["body"]


@pytest.mark.parametrize("token, said", [
    ("may not", "netsize: no comment: GitHub says Forbidden\n"),
    ("", "netsize: no comment: there is no GITHUB_TOKEN\n"),
])  # fmt: skip
def test_a_fork_without_a_token(netsize, repository: Path, github: dict[str, str], token: str, said: str) -> None:
    (repository / "pyproject.toml").write_text(CASES.replace("750", "2K"))
    done = netsize("ci", "--base", "HEAD~1", "--comment", **github, GITHUB_TOKEN=token)
    assert (done.status, done.stderr) == (0, said)


def test_the_step_of_the_action(repository: Path, tmp_path: Path) -> None:
    """Its own script, as GitHub would run it, but for what it installs."""
    action = yaml.safe_load((Path(__file__).parent.parent.parent / "action.yml").read_text(encoding="utf-8"))
    scripts = {step["name"]: step for step in action["runs"]["steps"] if "run" in step}
    for step in scripts.values():
        subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
        assert "${{" not in step["run"]  # what somebody else may have written reaches it as a variable only
    values = {"CASES": "pyproject.toml\n", "BASE": "HEAD~1", "COMMENT": "true", "REPORTS": "sizes", "GITHUB_TOKEN": ""}
    assert set(values) == set(scripts["Count"]["env"])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", scripts["Count"]["run"]], cwd=repository,
        env=os.environ | values | {"PATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "netsize: no comment: there is no pull request\n")
    assert "(+25.0%)" in (repository / "sizes" / "summary.md").read_text()
