"""A second opinion: the formulas of torch's own FlopCounterMode, where they are known to be right."""

from torch.utils.flop_counter import flop_registry

from netsize.lecture.products import SparseProduct
from netsize.trace.executed import Executed
from netsize.trace.operations import Operation

_RIGHT = {"aten.mm", "aten.addmm", "aten.bmm", "aten.baddbmm", "aten.convolution"}  # in forward


def flops(done: Executed, operation: Operation) -> int | None:
    """Two for each connection; None if torch has no formula, or takes a sparse operand for a dense one."""
    if done.name not in _RIGHT or isinstance(operation.formula, SparseProduct):
        return None
    return int(flop_registry[done.func.overloadpacket](*done.args, **done.kwargs, out_val=done.output))
