"""Programs in files: what torch.export has saved (.pt2), with its example inputs, and TorchScript (.pt, .torchscript).
Neither needs the Python that it was made from, and nothing in a file is run as Python: it is looked through first."""

import ast
import json
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch
from torch.export.pt2_archive import constants as archives

from netsize.errors import BadModel, describe
from netsize.facts.network import Source, release
from netsize.sources.built import Arguments, Built
from netsize.sources.factory import quiet
from netsize.sources.settings import Settings

FUNCTIONS = ("ceiling", "floor", "sqrt", "log", "exp")  # of sympy, which writes all others with a capital

OPAQUE = getattr(archives, "OPAQUE_OBJ_FILENAME_PREFIX", "opaque_obj_")  # before 2.11 torch had no such objects

EXPRESSION = re.compile(r'"expr_str"\s*:\s*("(?:[^"\\]|\\.)*")')


def load(model: str, settings: Settings) -> Built:
    """Raises BadModel for a file that is damaged, or something else."""
    if settings.pairs:
        raise BadModel(f"{model} is a network already: --set has nothing to set")
    settings.sized(model, ())
    exported = Path(model).suffix == ".pt2"
    try:
        if exported:
            _check_harmless(model)
        with quiet(), warnings.catch_warnings(), _weights_only():
            network, example = _exported(model) if exported else (torch.jit.load(model, map_location="cpu"), None)
    except BadModel:
        raise
    except Exception as error:  # of torch's readers, on whatever a file holds
        kind = "program of torch.export" if exported else "TorchScript program"
        raise BadModel(f"{model} cannot be read as a {kind}: {describe(error)}") from error
    title = getattr(network, "original_name", None) or Path(model).stem
    kind = "torch.export" if exported else "TorchScript"
    return Built(network, Source(kind, model, title, release(torch.__version__)), example=example)


def _check_harmless(model: str) -> None:
    """torch.export unpickles objects of Python, and evaluates sizes that are written as expressions. Raises BadModel
    for a file with such objects, or with expressions that are more than arithmetic on symbols."""
    with ZipFile(model) as archive:
        for name in archive.namelist():
            if Path(name).name.startswith(OPAQUE):
                raise BadModel(f"{model} holds objects of Python ({name}), which could run code: it is not read")
            text = archive.read(name).decode() if name.endswith(".json") else ""
            for expression in map(json.loads, EXPRESSION.findall(text)):
                if not _is_arithmetic(expression):
                    raise BadModel(f"{model} has a size that is no arithmetic, {expression[:80]!r}: it is not read")


ARITHMETIC = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.Constant, ast.Name, ast.Call, ast.keyword, ast.expr_context,
)  # fmt: skip


def _is_arithmetic(expression: str) -> bool:
    """Symbols, numbers, operators, and functions as sympy names them: no attributes, nothing of Python's own."""
    try:
        nodes = list(ast.walk(ast.parse(expression.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    harmless = (isinstance(f, ast.Name) and (f.id[0].isupper() or f.id in FUNCTIONS) for f in called)
    return all(isinstance(node, ARITHMETIC) for node in nodes) and all(harmless)


@contextmanager
def _weights_only() -> Iterator[None]:
    """torch.load then refuses all but tensors, wherever it is called."""
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before


def _exported(model: str) -> tuple[Any, Arguments | None]:
    """As modules again, which keep the names of the layers; with the arguments that it was exported with."""
    program = torch.export.load(model)
    example = program.example_inputs
    arguments = Arguments(tuple(example[0]), dict(example[1])) if example is not None else None
    return torch.export.unflatten(program), arguments
