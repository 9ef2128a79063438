"""The historical networks against the numbers of their papers."""

import pytest

import netsize
from netsize.results.rollup import roll_up

# LeCun et al. 1998, section II.B: units, parameters and connections, a bias being one of each
LENET5 = {
    "C1": (4_704, 156, 122_304),
    "S2": (1_176, 12, 5_880),
    "C3": (1_600, 1_516, 151_600),
    "S4": (400, 32, 2_000),
    "C5": (120, 48_120, 48_120),
    "F6": (84, 10_164, 10_164),
    "output": (10, 0, 840),
}


def test_lenet5_row_by_row() -> None:
    report = netsize.analyze("lenet5", device="cpu", bias=True)
    rows = {row.path: (row.units, row.weights, row.connections) for row in roll_up(report.rows, 1)}
    assert rows == LENET5
    assert (report.totals.units, report.totals.weights, report.totals.connections) == (8_094, 60_000, 340_908)
    assert report.totals.parameters == 60_000
    assert report.verification.problems == ()
    assert netsize.analyze("lenet5", device="cpu").totals.connections == 332_824


def test_lenet5_c3_sees_60_of_96_pairs_of_maps() -> None:
    from netsize.sources.classics.lenet5 import FOUR, SIX, THREE

    assert [len(maps) for maps in (*THREE, *FOUR, *SIX)] == [3] * 6 + [4] * 9 + [6]
    assert sum(len(maps) for maps in (*THREE, *FOUR, *SIX)) == 60
    assert (THREE[0], THREE[5], FOUR[0], FOUR[5]) == ([0, 1, 2], [5, 0, 1], [0, 1, 2, 3], [5, 0, 1, 2])


@pytest.mark.parametrize(
    "name, units, connections, weights, parameters",
    [
        ("alexnet_2012", 659_272, 724_406_816, 60_954_656, 60_965_224),
        ("alexnet_2012_ungrouped", 659_272, 1_135_256_096, 62_367_776, 62_378_344),
        # VGG16 with 1x1 instead of 3x3 in conv3_3, conv4_3 and conv5_3: 8/9 of their connections less
        ("vgg16_c", 13_556_712, 11_770_888_192, 133_625_536, 133_638_952),
    ],
)
def test_totals(name: str, units: int, connections: int, weights: int, parameters: int) -> None:
    report = netsize.analyze(name, device="cpu")
    totals = report.totals
    assert (totals.units, totals.connections, totals.weights, totals.parameters) == (
        units,
        connections,
        weights,
        parameters,
    )
    assert report.verification.problems == ()
    assert report.uncounted == ()


def test_the_homework() -> None:
    """Eight rows by their names there, and the answers: where most of the units, connections and weights are."""
    report = netsize.analyze("alexnet_2012", device="cpu")
    assert [row.label for row in report.rows] == [
        *(f"Convolution Layer {number}" for number in range(1, 6)),
        "Fully Connected Layer 1",
        "Fully Connected Layer 2",
        "Output Layer",
    ]
    assert [report.largest(q).path for q in ("units", "connections", "weights")] == ["conv1", "conv2", "fc6"]


def test_the_pool_inside_of_local_response_normalisation_is_not_the_networks() -> None:
    report = netsize.analyze("alexnet_2012", verify=False, pooling=True)
    assert [row.path for row in report.rows if row.kind == "pooling"] == ["pool"] * 3
