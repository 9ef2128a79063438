"""A second opinion: the formulas of torch's own FlopCounterMode, where they are known to be right."""

from typing import Any

from torch.utils.flop_counter import flop_registry

from netsize.lecture.products import SparseProduct
from netsize.trace.operations import Operation

_RIGHT = {"aten.mm", "aten.addmm", "aten.bmm", "aten.baddbmm", "aten.convolution"}  # in forward


def flops(func: Any, name: str, operation: Operation, args: Any, kwargs: Any, output: Any) -> int | None:
    """Two for each connection; None if torch has no formula, or takes a sparse operand for a dense one."""
    if name not in _RIGHT or isinstance(operation.formula, SparseProduct):
        return None
    return int(flop_registry[func.overloadpacket](*args, **kwargs, out_val=output))
