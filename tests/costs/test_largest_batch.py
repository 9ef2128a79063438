"""The largest batch that fits: of lines that are known, and of networks, measured."""

import pytest

import netsize
from netsize.costs.timeline import Event, Storage, Timeline, largest_batch


def line(batch: int, constant: int, each: int, later: int = 0) -> Timeline:
    """Two events: one that grows with the batch, and one that does not."""
    storages = (Storage(constant, "parameters", ""), Storage(each * batch, "activations", "", 0, 1),
                Storage(later, "temporaries", "", 1))  # fmt: skip
    return Timeline(batch, storages, (Event("forward", "", "a"), Event("optimizer", "", "b")))


FITS = [
    (1000, 100, 9, 0, 100, "exactly"),
    (999, 100, 9, 0, 99, "a byte less"),
    (108, 100, 9, 0, 0, "not one example"),
    (1000, 100, 9, 901, 0, "the optimizer's step alone is too large"),
    (10**12, 100, 9, 0, (10**12 - 100) // 9, "far away"),
]


@pytest.mark.parametrize(("limit", "constant", "each", "later", "expected", "why"), FITS)
def test_largest_batch(limit: int, constant: int, each: int, later: int, expected: int, why: str) -> None:
    def peak(batch: int) -> int:
        return line(batch, constant, each, later).peak().size

    assert largest_batch(limit, line(64, constant, each, later), line(128, constant, each, later), peak) == expected


def test_largest_batch_of_an_allocator_that_rounds() -> None:
    """No line: found by halving."""

    def peak(batch: int) -> int:
        return -(-batch * 100 // 512) * 512

    first, second = line(64, 0, 90), line(128, 0, 90)
    found = largest_batch(10_000, first, second, peak)
    assert peak(found) <= 10_000 < peak(found + 1)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_one_more_does_not_fit(optimizer: str) -> None:
    limit = 2 * 2**30
    training = netsize.training("alexnet", memory=limit, optimizer=optimizer, device="cpu")
    assert training.batch == training.fit.batch
    assert training.peak.size == training.fit.peak <= limit / 1.05  # what kernels may take for themselves is left
    more = netsize.training("alexnet", batch=training.batch + 1, optimizer=optimizer, device="cpu")
    assert more.peak.size > limit / 1.05


def test_the_largest_batch_really_fits(two_threads: None) -> None:
    """Within the limit, and with a tenth more not: what a GPU is asked to show, on the CPU's allocator."""
    limit, size = 2**26, "3x96x96"
    training = netsize.training("squeezenet1_1", size, memory=limit, measure=True, device="cpu")
    assert training.measured.peak <= limit
    assert not training.differs and training.batch >= 10
    more = netsize.training("squeezenet1_1", size, batch=-(-training.batch * 11 // 10), measure=True, device="cpu")
    assert more.measured.peak > limit


def test_vgg16_at_256() -> None:
    """What backward needs, by hand: outputs of 13 rectified convolutions and 5 pools, with an index of 8 bytes for each
    output of a pool; what the average pool puts out; of two fully connected layers the rectified outputs, the dropout
    masks, and what they leave. Rhu et al. 2016 (vDNN) say 28 GB for a step, with a gradient buffer for each layer."""
    convolutions = sum((2 * 64 * 224**2, 2 * 128 * 112**2, 3 * 256 * 56**2, 3 * 512 * 28**2, 3 * 512 * 14**2))
    pools = sum((64 * 112**2, 128 * 56**2, 256 * 28**2, 512 * 14**2, 512 * 7**2))
    kept = 4 * (convolutions + pools + 512 * 7**2 + 6 * 4096) + 8 * pools
    training = netsize.training("vgg16", batch=256, device="cpu")
    assert training.parts["activations"] == 256 * kept == 18_624_806_912
    assert training.peak.size == 19_932_861_512
    assert training.peak.parts["gradients of activations"] < 2**30  # of two layers at a time, not of all
