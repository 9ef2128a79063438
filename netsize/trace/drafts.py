"""What was executed, as it is known while the network still runs: which parameters are an operation's own shows only
when all have been executed, since another may have used them before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import torch

from netsize.facts.network import Backward, Call, Elements, Step
from netsize.lecture.formulas import Linear, Shape
from netsize.trace.backward_pass import BackwardPass
from netsize.trace.operations import Operation
from netsize.trace.origins import Origin
from netsize.trace.places import Places, Seen
from netsize.trace.regions import Claims


@dataclass(frozen=True)
class Trained:
    """A product of a forward pass with gradients. `node`: sequence number of its autograd node; its connections to
    those inputs, and to those weights, that need a gradient."""

    node: int
    inputs: int
    weights: int


@dataclass
class Draft:
    """A call whose parameters are not yet known to be its own: another call may have used them before."""

    call: Call
    operands: list[Origin]
    biases: list[Origin] = field(default_factory=list)
    depends: bool = True  # on the network's input
    seen: Seen | None = None  # the places that its output sees
    made: torch.Tensor | None = None  # its output, if outputs are kept
    factors: tuple[Any, ...] = ()  # inside of a recurrent layer: which memory was multiplied
    trained: list[Trained] = field(default_factory=list)  # that backward goes through again


@dataclass
class StepDraft:
    """A step whose parameters are not yet known to be its own."""

    step: Step
    origins: list[Origin]


def settle(
    drafts: Sequence[Draft],
    steps: Sequence[StepDraft],
    sizes: Mapping[str, int],
    places: Places,
    backward: BackwardPass | None,
) -> tuple[Call, ...]:
    """The calls, numbered on their paths, and with their parameters; the steps have theirs, too, afterwards. `sizes`:
    those of all parameters. Calls that see the input claim theirs before those that only prepare weights
    (spectral_norm's products)."""
    claims = Claims(sizes)
    users: dict[str, str] = {}  # parameter -> the layer that used it first
    for draft in sorted(drafts, key=lambda draft: not draft.depends):
        weights = tuple(taken for origin in draft.operands for taken in claims.claim(origin.sources))
        biases = tuple(taken for origin in draft.biases for taken in claims.claim(origin.sources))
        names = [name for origin in draft.operands for name in origin.parameters]
        first = {users.setdefault(name, draft.call.path) for name in names}
        shared = min(first - {draft.call.path}, default="") if not weights else ""
        field = places.field(draft.seen)
        chosen = any(origin.chosen for origin in draft.operands)
        draft.call = replace(
            draft.call,
            weights=weights,
            biases=biases,
            field=field,
            weights_of=shared,
            weights_chosen=chosen,
            backward=_backward_of(draft, backward) if backward is not None else None,
        )
    numbers: Counter[str] = Counter()
    for draft in drafts:
        if number := numbers[draft.call.path]:
            draft.call = replace(draft.call, call=number)
        numbers[draft.call.path] += 1
    _claim_others(steps, claims)
    return tuple(draft.call for draft in drafts)


def _claim_others(steps: Sequence[StepDraft], claims: Claims) -> None:
    """What is neither a weight nor a bias belongs to the operation that uses it first."""
    for draft in steps:
        owned: Elements = tuple(
            taken for origin in draft.origins for name in origin.parameters for taken in claims.rest(name)
        )
        if owned:
            draft.step = replace(draft.step, parameters=owned)


def _backward_of(draft: Draft, backward: BackwardPass) -> Backward:
    """What depends on nothing that is trained, or what the loss does not depend on, is never gone through."""
    reached = [product for product in draft.trained if product.node in backward.reached]
    nodes = {product.node for product in reached}
    executed = sum(backward.executed[node] for node in nodes)
    return Backward(sum(p.inputs for p in reached), sum(p.weights for p in reached), executed)


def unattributed(drafts: Sequence[Draft], backward: BackwardPass) -> int:
    """Connections that backward went through, but for no product that was seen with gradients."""
    nodes = {product.node for draft in drafts for product in draft.trained}
    return sum(gone for node, gone in backward.executed.items() if node not in nodes)


def trained_products(name: str, operation: Operation) -> list[Trained]:
    """Each factor that needs a gradient takes a product as large as the forward one. Gradients are off inside of an
    autograd function, whose backward is its own; for a library's operation torch makes such a function around it."""
    if name.startswith("aten.") and not torch.is_grad_enabled():
        return []
    needed = [factor for factor in operation.factors if factor.requires_grad]
    if not needed:
        return []
    weights = sum(any(factor is operand for operand in operation.operands) for factor in needed)
    each = operation.formula.connections
    node = torch._C._autograd._get_sequence_nr() - 1
    return [Trained(node, each * (len(needed) - weights), each * weights)]


def as_called(draft: Draft, input: Shape, output: Shape) -> None:
    """A fully connected layer is executed on a matrix: show the shapes that its module was called with, if it does
    nothing but this product (and no gate, view or pool of its result)."""
    formula = draft.call.formula
    if isinstance(formula, Linear) and prod(input) == prod(formula.input) and input[-1:] == formula.input[-1:]:
        called = replace(formula, input=input)
        if called.output == output:
            draft.call = replace(draft.call, formula=called, input=input, output=output)
