"""torch's own backward pass, watched: which products it executes for which operation of the forward pass."""

from collections import Counter
from typing import Any

import torch

from netsize.trace.connections import connections
from netsize.trace.dispatch_mode import DispatchMode

# Their gradients are outer products of vectors, or multiples of one, which torch executes as pointwise products.
_OF_VECTORS = ("MvBackward0", "AddmvBackward0", "DotBackward0", "VdotBackward0")


class BackwardPass(DispatchMode):
    """`reached`: sequence numbers of the autograd nodes that the loss depends on; `executed`: connections that a node
    went through."""

    def __init__(self, loss: torch.Tensor) -> None:
        super().__init__()
        self.reached = _nodes(loss)
        self.executed: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        node = torch._C._current_autograd_node()
        if node is not None:
            outer = func is torch.ops.aten.mul.Tensor and node.name() in _OF_VECTORS
            gone = output.numel() if outer else connections(func, args, kwargs or {}, output)
            self.executed[node._sequence_nr()] += gone
        return output


def _nodes(loss: torch.Tensor) -> set[int]:
    found: set[int] = set()
    seen, waiting = set(), [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        found.add(node._sequence_nr())
        waiting += [following for following, _ in node.next_functions]
    return found
