"""Operators that take functions (torch's higher-order operators: loops, branches, attention with a function of its
scores): they are executed as the plain Python that they stand for, so that what their bodies execute is seen.

A branch is taken as the values have it; that values decided is noted where they are read.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch._ops import HigherOrderOperator
from torch._subclasses.fake_tensor import FakeTensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree


class Bodies(TorchFunctionMode):
    """Inside, higher-order operators are executed so."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.executed(func, args, kwargs or {})

    def executed(self, func: Any, args: Any, kwargs: Any) -> Any:
        if HigherOrderOperator in type(func).__mro__ and func.name() in _PLAIN:  # its own isinstance takes far longer
            with self:
                return _PLAIN[func.name()](*args, **kwargs)
        if func is torch.Tensor.data_ptr and isinstance(args[0], FakeTensor):
            return 0  # as of meta tensors: networks ask whether it is aligned
        return func(*args, **kwargs)


def _cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()) -> Any:
    return (true_fn if pred else false_fn)(*operands)


def _while_loop(
    cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried: Any, additional: Any = (), *_: Any, **unused: Any
) -> Any:
    while cond_fn(*carried, *additional):
        carried = body_fn(*carried, *additional)
    return carried


def _map(f: Callable[..., Any], xs: Any, positional: Any = (), *_: Any, **unused: Any) -> Any:
    """Over the first axis of each of `xs`."""
    made = [f(*(x[i] for x in xs), *positional) for i in range(len(xs[0]))]
    flat = [pytree.tree_leaves(result) for result in made]
    return pytree.tree_unflatten([torch.stack(leaves) for leaves in zip(*flat)], pytree.tree_structure(made[0]))


def _scan(combine_fn: Callable[..., Any], init: Any, xs: Any, additional: Any = (), *_: Any, **unused: Any) -> Any:
    """`combine_fn` makes of what is carried, and of one place of the first axis, what is carried on and put out."""
    carried, outputs = list(init), []
    for i in range(len(xs[0])):
        made = combine_fn(*carried, *(x[i] for x in xs), *additional)
        carried = list(made[: len(init)])
        outputs.append(made[len(init) :])
    return [*carried, *(torch.stack(leaves) for leaves in zip(*outputs))]


def _associative_scan(combine_fn: Callable[..., Any], xs: Any, additional: Any = (), *_: Any, **unused: Any) -> Any:
    from torch._higher_order_ops.associative_scan import generic_associative_scan

    return generic_associative_scan(combine_fn, xs, additional_inputs=additional)


def _flex_attention(*args: Any, **kwargs: Any) -> Any:
    from torch._higher_order_ops.flex_attention import sdpa_dense

    return sdpa_dense(*args, **kwargs)


_PLAIN: dict[str, Callable[..., Any]] = {
    "cond": _cond,
    "while_loop": _while_loop,
    "map_impl": _map,
    "scan": _scan,
    "associative_scan": _associative_scan,
    "flex_attention": _flex_attention,
    "invoke_subgraph": lambda subgraph, identifier, *operands: subgraph(*operands),
    "tag_activation_checkpoint": lambda body, *args, **kwargs: body(*args, **kwargs),
    "hints_wrapper": lambda body, args, kwargs, hints: body(*args, **kwargs),
}
