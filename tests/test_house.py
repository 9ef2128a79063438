"""The house: imports run one way, nothing heavy is imported before it is needed, and the README names what is there."""

import importlib
import re
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import netsize
from netsize.commands.cli import built
from netsize.costs import plan, recipe
from netsize.lecture.formulas import Formula
from netsize.render import PAGES, render
from netsize.render.style import Style
from netsize.results import display
from netsize.results.kinds import KINDS
from netsize.sources import COMMANDS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "netsize"
WINGS = sorted(folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists())


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("netsize", exclude_type_checking_imports=True)


def test_no_circle_of_modules(graph: grimp.ImportGraph) -> None:
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    order = list(TopologicalSorter(imports).static_order())  # raises CycleError, with the circle
    assert len(order) == len(graph.modules) > 100


def test_at_most_twelve_floors(graph: grimp.ImportGraph) -> None:
    """A floor is one more than the highest of those that a wing, or a file beside them, imports."""
    room = {module: ".".join(module.split(".")[:2]) for module in graph.modules}
    imports: dict[str, set[str]] = {name: set() for name in room.values()}
    for module in graph.modules:
        imports[room[module]] |= {room[other] for other in graph.find_modules_directly_imported_by(module)}
    floors: dict[str, int] = {}
    for name in TopologicalSorter({name: below - {name} for name, below in imports.items()}).static_order():
        floors[name] = 1 + max((floors[other] for other in imports[name] - {name}), default=0)
    assert floors["netsize.errors"] == 1
    assert max(floors.values()) <= 12


PLANTED = [
    # a file, what is planted in it, and the contract that it breaks
    ("lecture/formulas.py", "import torch", "The lecture, facts and results need no torch"),
    ("results/report.py", "from netsize.commands import show", "Imports run one way, downwards"),
    ("results/report.py", "def late():\n    from netsize.render import table", "Imports run one way, downwards"),
    ("trace/places.py", "from netsize.run import fake_tensors", "Imports run one way, downwards"),
    ("commands/show.py", "import torch", "What asks, checks and shows leaves torch to others"),
    ("render/csv.py", "import rich", "Only the table of a terminal knows rich"),
]


def contracts(folder: Path) -> str:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode == 0) is (" BROKEN" not in done.stdout), done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("file, line, broken", PLANTED)
def test_an_import_that_is_planted_upwards_is_found(file: str, line: str, broken: str, tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "netsize", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "netsize" / file).open("a") as text:
        text.write(f"\n\n{line}\n")
    assert re.search(rf"^{broken}.* BROKEN", contracts(tmp_path), re.MULTILINE)


def test_contracts_are_kept() -> None:
    assert " 0 broken." in contracts(ROOT)


QUICK = """
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
print([name for name in {heavy!r} if name in sys.modules])
"""
HEAVY = (
    "torch", "torchvision", "rich", "timm", "transformers", "diffusers", "onnx", "onnxruntime", "gguf", "numpy",
)  # fmt: skip
QUICK_WINGS = ("lecture", "facts", "results", "checks", "render", "commands")
QUICK_FILES = (
    "netsize", "netsize.api", "netsize.run.answer", "netsize.run.startup", "netsize.run.many_networks",
    "netsize.sources", "netsize.sources.settings", "netsize.sources.environment", "netsize.costs.plan",
    "netsize.costs.training", "netsize.costs.schema",
)  # fmt: skip


def test_what_needs_no_torch_imports_none(graph: grimp.ImportGraph) -> None:
    names = [module for module in graph.modules if module.split(".")[1:2] and module.split(".")[1] in QUICK_WINGS]
    code = QUICK.format(names=sorted({*names, *QUICK_FILES}), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("wing", WINGS)
def test_every_wing_says_what_it_is_for(wing: str) -> None:
    """What it is for, what it may import, and where one adds to it."""
    text = (PACKAGE / wing / "__init__.py").read_text(encoding="utf-8").partition('"""')[2].partition('"""')[0]
    assert "may import" in " ".join(text.split())
    assert re.search(r"\n\nA ", text) or "is added in" in text


def test_the_package_lists_its_public_names() -> None:
    functions = ["analyze", "compare", "draw", "explain", "formula", "sweep", "training"]
    names = ["Convention", "NetsizeError", "Report", *functions]
    assert dir(netsize) == netsize.__all__ == names
    for name in names:
        assert callable(getattr(netsize, name))


def test_the_functions_stay_when_everything_is_imported(graph: grimp.ImportGraph) -> None:
    """A module of a function's name would take its place."""
    for name in sorted(graph.modules - {"netsize.__main__"}):
        importlib.import_module(name)
    assert [name for name in netsize.__all__ if not callable(getattr(netsize, name))] == []
    assert netsize.training.__name__ == "training"


def test_a_result_that_nobody_registered_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forecast(display.Shown):
        pass

    with pytest.raises(TypeError, match="netsize.render shows no Forecast"):
        str(Forecast())
    with pytest.raises(TypeError, match="netsize.render shows no Forecast"):
        render(Forecast(), "csv", Style())
    monkeypatch.setattr(display, "_WAYS", {})
    with pytest.raises(TypeError, match="nobody has registered how to show a Forecast as json: netsize.render does"):
        Forecast().to_json()


def test_every_result_is_shown(graph: grimp.ImportGraph) -> None:
    for module in graph.find_descendants("netsize.results") | graph.find_descendants("netsize.costs"):
        importlib.import_module(module)
    kinds = {kind.__name__ for kind in display.Shown.__subclasses__() if kind.__module__.startswith("netsize.")}
    assert kinds == {"Report", "Explanation", *PAGES}


def test_commands_have_one_list() -> None:
    shared = {"__init__", "cli", "hints", "options", "output", "repeated", "terminal"}
    assert {file.stem for file in (PACKAGE / "commands").glob("*.py")} - shared == set(COMMANDS)
    assert all(built(name).name == name for name in COMMANDS)


def test_every_kind_of_layer_has_its_words(graph: grimp.ImportGraph) -> None:
    kinds = {formula.kind for formula in Formula.__subclasses__()} | {"attention", "distance"}
    assert kinds == set(KINDS)


def test_optimizers_have_one_list() -> None:
    assert tuple(recipe.OPTIMIZERS) == plan.OPTIMIZERS


def test_the_manual_names_files_that_are_there() -> None:
    text = (ROOT / "netsize" / "manual" / "house.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:netsize|tests|configs)/[\w./]*\w", text))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
