"""What is executed beside layers: work that is no product of the lecture's kind, and operations that nobody knows.

Fourier transforms and linear algebra multiply, but an output is no sum over inputs that each has a weight: they are no
connections, are never added to those, and stand below the table with the number of their multiplications by the
textbook (Golub and Van Loan, Matrix Computations, 2013; Cooley and Tukey 1965: N log2 N for N numbers), of which only
the shapes are what was seen. Where the number hangs on values (an iteration), there is none.

Products that are written by hand, (x * w).sum(-1), are found by what they execute: the multiplications whose results
are summed are told, so that no arithmetic hides any.
"""

from collections import Counter
from collections.abc import Callable
from math import ceil, log2, prod
from typing import Any

import torch

from netsize.facts.network import BY_HAND, Beside, Unknown
from netsize.lecture.formulas import by
from netsize.trace.by_tensor import ByTensor, Tensors
from netsize.trace.executed import Executed
from netsize.trace.operations import Given

TRANSFORM = "Fourier transforms"
ALGEBRA = "linear algebra"


class Others:
    def __init__(self, tensors: Tensors) -> None:
        self._besides: Counter[tuple[str, str]] = Counter()
        self._multiplications: dict[tuple[str, str], int | None] = {}
        self._unknown: Counter[str] = Counter()
        self._shapes: dict[str, str] = {}
        self._products: ByTensor[bool] = ByTensor(tensors)  # made by a pointwise product of two tensors

    def follow(self, done: Executed) -> None:
        """An operation for which there is no formula."""
        name, given, arguments, results = done.name, done.given, done.arguments, done.results
        if name in _ALGEBRA or name in _TRANSFORMS:
            kind, number = (ALGEBRA, _ALGEBRA) if name in _ALGEBRA else (TRANSFORM, _TRANSFORMS)
            self._add(kind, name, number[name](given))
        elif name in ("aten.mul", "aten.mul_") and len(arguments) == 2 and arguments[0] is not arguments[1]:
            if min(tensor.numel() for tensor in arguments) > 1:
                self._products[results[0]] = True
        elif arguments and arguments[0] in self._products:
            if name in ("aten.sum", "aten.cumsum"):
                self._add(BY_HAND, name, arguments[0].numel())
            elif done.kind.is_view or name in ("aten.clone", "aten._unsafe_view"):
                for result in results:
                    self._products[result] = True
        if not done.kind.silent and name not in _ALGEBRA and name not in _TRANSFORMS:
            self.unknown(name, arguments, results)

    def _add(self, kind: str, name: str, multiplications: int | None) -> None:
        key = (kind, name)
        before = self._multiplications.get(key, 0)
        self._besides[key] += 1
        self._multiplications[key] = None if before is None or multiplications is None else before + multiplications

    def unknown(self, name: str, arguments: list[torch.Tensor], results: list[Any]) -> None:
        self._unknown[name] += 1
        given, made = (" and ".join(by(tuple(t.shape)) or "1" for t in side) for side in (arguments, results))
        self._shapes.setdefault(name, f"{given or 'nothing'} -> {made or 'nothing'}")

    def besides(self) -> tuple[Beside, ...]:
        return tuple(
            Beside(kind, name, calls, self._multiplications[kind, name])
            for (kind, name), calls in sorted(self._besides.items())
        )

    def unknowns(self) -> tuple[Unknown, ...]:
        return tuple(Unknown(name, calls, self._shapes[name]) for name, calls in sorted(self._unknown.items()))


def _transform(given: Given) -> int:
    """N log2 N for each transform of N numbers: the real ones of a real transform."""
    sizes = list(given["self"].shape)
    axes = [axis % len(sizes) for axis in given["dim"]]
    if "last_dim_size" in given:
        sizes[axes[-1]] = given["last_dim_size"]
    length = prod(sizes[axis] for axis in axes)
    return ceil(prod(sizes) * log2(length)) if length > 1 else 0


def _cubes(share: int, name: str) -> Callable[[Given], int]:
    """n^3 / share for each matrix (n x n)."""

    def multiplications(given: Given) -> int:
        shape = given[name].shape
        return int(prod(shape[:-1]) * shape[-1] ** 2 // share)

    return multiplications


def _triangular(matrix: str, right: str, times: int = 1) -> Callable[[Given], int]:
    """n^2 / 2 for each column (or row) of the right side, `times` over."""

    def multiplications(given: Given) -> int:
        return int(given[right].numel() * given[matrix].shape[-1] * times // 2)

    return multiplications


def _solve(given: Given) -> int:
    """A factorisation, n^3 / 3, and two triangular systems."""
    return _cubes(3, "A")(given) + _triangular("A", "B", 2)(given)


def _qr(name: str) -> Callable[[Given], int]:
    """m n^2 - n^3 / 3 of an (m x n) matrix by Householder's reflections, and as many for its Q, if that is asked for;
    n is the shorter side."""

    def multiplications(given: Given) -> int:
        *batch, rows, columns = given[name].shape
        m, n = max(rows, columns), min(rows, columns)
        once = prod(batch) * (m * n * n - n**3 // 3)
        return int(once * (1 if given.get("mode") in ("r", None) else 2))

    return multiplications


def _iterates(given: Given) -> None:
    """How often hangs on values."""


_TRANSFORMS = {f"aten._fft_{kind}": _transform for kind in ("c2c", "c2r", "r2c")}
_ALGEBRA: dict[str, Callable[[Given], int | None]] = {
    "aten.linalg_cross": lambda given: int(2 * given["self"].numel()),
    "aten.linalg_solve_triangular": _triangular("self", "B"),
    "aten.triangular_solve": _triangular("A", "self"),
    "aten.linalg_cholesky_ex": _cubes(6, "self"),
    "aten.cholesky_inverse": _cubes(3, "self"),
    "aten._cholesky_solve_helper": _triangular("A", "self", 2),
    "aten.linalg_inv_ex": _cubes(1, "A"),
    "aten._linalg_solve_ex": _solve,
    "aten._linalg_det": _cubes(3, "A"),
    "aten._linalg_slogdet": _cubes(3, "A"),
    "aten.linalg_lu": _cubes(3, "A"),
    "aten.linalg_lu_factor_ex": _cubes(3, "A"),
    "aten.linalg_lu_solve": _triangular("LU", "B", 2),
    "aten.linalg_ldl_factor_ex": _cubes(6, "self"),
    "aten.linalg_ldl_solve": _triangular("LD", "B", 2),
    "aten.linalg_qr": _qr("A"),
    "aten.geqrf": _qr("self"),
    "aten.linalg_householder_product": _qr("input"),
    "aten.linalg_matrix_exp": _iterates,
    "aten._linalg_eigh": _iterates,
    "aten._linalg_eigvals": _iterates,
    "aten.linalg_eig": _iterates,
    "aten._linalg_svd": _iterates,
    "aten.linalg_lstsq": _iterates,
}
