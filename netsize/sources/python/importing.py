"""Importing what the user names, as `python file` and `python -m module` would find it."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from netsize.errors import BadModel, describe
from netsize.sources.factory import quiet


def import_place(place: str) -> ModuleType:
    """A file, a folder that is a package, or a module by its name. Raises BadModel."""
    if Path(place).is_dir():
        return _import_in_package(Path(place).resolve())
    return _import_file(Path(place)) if place.endswith(".py") or "/" in place else _import_module(place)


class _Script(SourceFileLoader):
    """As Python runs a script, nothing that was compiled before is asked: it may be of a text that was written in the
    same second and is as long, and Python would not see that it is another one."""

    def path_stats(self, path: Any) -> Any:
        raise OSError  # nothing is known of when it was written: nothing can be as old


@contextmanager
def own_arguments(place: str) -> Iterator[None]:
    """What a file that reads its command line finds there: its own name, and nothing of netsize's."""
    before = sys.argv
    sys.argv = [place]
    try:
        yield
    finally:
        sys.argv = before


def _import_file(file: Path) -> ModuleType:
    """As a script; one that imports relatively, as a module of its package. Raises BadModel."""
    if not file.is_file():
        near = file.with_name(f"{file.name}.py")
        raise BadModel(f"there is no file {file}." + (f" Did you mean {near}?" if near.is_file() else ""))
    place, file = str(file), file.resolve()
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise BadModel(f"{file} is no Python file")
    if type(spec.loader) is SourceFileLoader:
        spec.loader = _Script(file.stem, str(file))
    _look_in(file.parent, *_roots(file.parent))
    module = importlib.util.module_from_spec(spec)
    taken = spec.name in sys.modules or spec.name in sys.stdlib_module_names
    name = f"__{spec.name}__" if taken else spec.name
    sys.modules[name] = module  # dataclasses and pickle look it up
    try:
        with quiet():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        if "relative import" in str(error) and (file.parent / "__init__.py").is_file():
            del sys.modules[name]
            return _import_in_package(file.with_suffix(""))
        raise _cannot(place, error) from error
    return module


def _import_in_package(path: Path) -> ModuleType:
    """A file (without its ending) or a folder, by its full name: from the folder above its outermost package."""
    root, parts = path.parent, [path.name]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    _look_in(root, *_roots(root))
    return _imported(".".join(parts))


def _import_module(name: str) -> ModuleType:
    _look_in(Path.cwd(), *_roots(Path.cwd()))
    return _imported(name)


def _imported(name: str) -> ModuleType:
    def run() -> None:
        with quiet():
            importlib.import_module(name)

    _execute(name, run)
    return sys.modules[name]


def _roots(folder: Path) -> list[Path]:
    """The project's folder and its src, where a pyproject.toml lies above: what it installs is found there."""
    for above in (folder, *folder.parents):
        if (above / "pyproject.toml").is_file():
            return [above, *([above / "src"] if (above / "src").is_dir() else [])]
    return []


def _look_in(first: Path, *then: Path) -> None:
    """Put a folder in front, as Python does with a script's, and others behind all that is there."""
    places = [str(first), *(place for place in sys.path if place != str(first))]
    sys.path[:] = [*places, *(str(folder) for folder in then if str(folder) not in places)]


def _execute(place: str, run: Callable[[], None]) -> None:
    try:
        run()
    except (Exception, SystemExit) as error:
        raise _cannot(place, error) from error


def _cannot(place: str, error: BaseException) -> BadModel:
    return BadModel(f"{place} does not import: {describe(error)}{_line(error)}")


def _line(error: BaseException) -> str:
    """Where in the user's own code it went wrong: the last line that is not Python's own."""
    if isinstance(error, SyntaxError):
        return ""  # its message says where
    ours = ("<", __file__, importlib.__file__)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
