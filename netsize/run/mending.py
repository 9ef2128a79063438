"""Inputs that a network cannot take, but whose meaning is plain: what to run in their place, and what is said of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from netsize.run.forward_pass import ForwardFailed
from netsize.sources.settings import InputSpec

Mended = tuple[tuple[InputSpec, ...], tuple[str, ...]]  # inputs, with a sentence for each change


def mended(specs: Sequence[InputSpec], failure: ForwardFailed, batch: bool) -> Iterator[Mended]:
    """Other inputs, the smallest change first: whole numbers where the layer that failed looks rows up; without a
    first axis of 1, which is the batch axis that netsize puts there itself."""
    looked_up = "indices" in str(failure.error) and any(spec.type is None for spec in specs)
    lookups = list(_as_indices(specs)) if looked_up else []
    yield from lookups
    if batch and any(len(spec.shape) > 1 and spec.shape[0] == 1 for spec in specs):
        for inputs, said in ((tuple(specs), ()), *lookups):
            bare = tuple(replace(s, shape=s.shape[1:]) if s.shape[0] == 1 and len(s.shape) > 1 else s for s in inputs)
            yield bare, (*said, f"the batch axis is netsize's: the network takes {' and '.join(map(str, bare))}")


def _as_indices(specs: Sequence[InputSpec]) -> Iterator[Mended]:
    """One of those without a type; or all of them."""
    free = [index for index, spec in enumerate(specs) if spec.type is None]
    for chosen in [*([index] for index in free), *([free] if len(free) > 1 else [])]:
        inputs = tuple(replace(s, type="int64") if i in chosen else s for i, s in enumerate(specs))
        told = " and ".join(str(inputs[index]) for index in chosen)
        yield inputs, (f"the first layer takes indices: {told}",)
