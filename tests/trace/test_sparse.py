"""Sparse products multiply only what is stored: entries x columns, by formula and on ones, with values and without."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import netsize

pytestmark = pytest.mark.filterwarnings("ignore:.*(Sparse|sparse).*")
ENTRIES = [[0, 0, 1, 3, 4, 5], [1, 4, 0, 2, 5, 3]]  # of a matrix of 6 x 8: six of them
SHAPE = (6, 8)


def matrix(layout: str) -> torch.Tensor:
    dense = torch.sparse_coo_tensor(ENTRIES, torch.ones(6), SHAPE, check_invariants=True).to_dense()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "coo": dense.to_sparse, "csr": dense.to_sparse_csr, "csc": dense.to_sparse_csc,
            "bsr": lambda: dense.to_sparse_bsr((2, 2)),
        }[layout]()  # fmt: skip


class Applies(nn.Module):
    def __init__(self, sparse: torch.Tensor, function, parameter: bool = False) -> None:
        super().__init__()
        self.function = function
        self.sparse = nn.Parameter(sparse) if parameter else sparse

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.sparse, x[0])[None]


# name: function of the sparse matrix and the input, the input, units, how often each entry is used
SPELLED = {
    "@": (lambda a, x: a @ x, "8x3", 18, 3),
    "mm": (lambda a, x: torch.mm(a, x), "8x3", 18, 3),
    "mv": (lambda a, x: torch.mv(a, x), "8", 6, 1),
    "sparse.mm": (lambda a, x: torch.sparse.mm(a, x), "8x3", 18, 3),
    "addmm": (lambda a, x: torch.addmm(torch.zeros(6, 3), a, x), "8x3", 18, 3),
    "sparse.addmm": (lambda a, x: torch.sparse.addmm(torch.zeros(6, 3), a, x), "8x3", 18, 3),
    "F.linear": (lambda a, x: F.linear(x, a), "5x8", 30, 5),
}
STORED = {"coo": 6, "csr": 6, "csc": 6, "bsr": 20}  # the six lie in five blocks of 2 x 2, which are stored whole


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("layout", STORED)
@pytest.mark.parametrize("name", SPELLED)
def test_entries_times_columns(name: str, layout: str, verify: bool) -> None:
    function, shape, units, uses = SPELLED[name]
    report = netsize.analyze(Applies(matrix(layout), function), shape, device="cpu", verify=verify)
    (row,) = report.rows
    assert (row.units, row.connections, row.weights) == (units, STORED[layout] * uses, 0)
    assert report.verification.status == ("passed" if verify else "skipped")


def test_a_batch_of_matrices() -> None:
    def batched(a: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return torch.bmm(torch.stack([a, a]), torch.stack([x, x]))

    for verify in (True, False):
        report = netsize.analyze(Applies(matrix("coo"), batched), "8x3", device="cpu", verify=verify)
        assert report.totals.connections == 2 * 6 * 3


def test_a_sparse_parameter_is_a_weight_where_it_stores_one() -> None:
    for layout in ("coo", "csr"):
        report = netsize.analyze(Applies(matrix(layout), lambda a, x: a @ x, parameter=True), "8x3", device="cpu")
        assert (report.totals.weights, report.totals.connections, report.totals.parameters) == (6, 18, 48)
        assert report.verification.status == "passed"


def test_ones_of_a_large_sparse_matrix_are_sparse() -> None:
    """Dense, they would take 40 GB."""
    places = torch.arange(100_000)
    diagonal = torch.sparse_coo_tensor(torch.stack([places, places]), torch.ones(100_000), check_invariants=True)
    report = netsize.analyze(Applies(diagonal, lambda a, x: a @ x), "100000x2", device="cpu")
    assert report.totals.connections == 200_000
    assert report.verification.status == "passed"


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 9), inner=st.integers(1, 9), columns=st.integers(1, 5), seed=st.integers(0, 999))
def test_random_matrices(rows: int, inner: int, columns: int, seed: int) -> None:
    """Counted by hand: pairs of an entry and a column."""
    dense = (torch.rand(rows, inner, generator=torch.Generator().manual_seed(seed)) < 0.4).float()
    report = netsize.analyze(Applies(dense.to_sparse(), lambda a, x: a @ x), (inner, columns), device="cpu")
    assert report.totals.connections == sum(int(dense[i, j]) for i in range(rows) for j in range(inner)) * columns
    assert report.verification.status == "passed"
