"""Which places of the network's input each tensor sees, and how many layers lie behind it, while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import torch

from netsize.lecture import receptive_fields
from netsize.lecture.formulas import Convolution, DeformableConvolution, Pooling, Shape
from netsize.lecture.receptive_fields import ALL, Field, View, features
from netsize.trace.by_tensor import ByTensor
from netsize.trace.executed import Executed
from netsize.trace.moves import BATCH_NORMS, KEEPS, MIXES, MOVES, PARTS, REDUCES, REGROUPS, parts, unknown
from netsize.trace.operations import Given, Operation
from netsize.trace.origins import Origins


@dataclass(frozen=True)
class Seen:
    """What is known of a tensor: the places that it sees, and the layers with weights on the longest way to it."""

    view: View
    depth: int = 0


class Places:
    """Follows every tensor that depends on the input. `settled`: layers that make a fixed number of places of
    any number. `fixed`: layers and parameters that may take a certain number of places only, and why."""

    def __init__(self, inputs: list[torch.Tensor], origins: Origins) -> None:
        self._seen: ByTensor[Seen] = ByTensor(origins.tensors)
        self.of: Callable[[torch.Tensor], Seen | None] = self._seen.get
        self._origins = origins
        self._extent: Shape = tuple(inputs[0].shape) if inputs else ()
        self._features: set[int] | None = None  # axes of the input that hold no places: its channels
        self.last: Seen | None = None  # the latest tensor that still has places: the last feature map
        self.last_tensor: torch.Tensor | None = None  # held only while outputs are kept
        self.keeps_last = False
        self.calls = -1  # index of the latest call that was counted: the tracer says
        self.last_call = 0  # the same, when the last feature map was made
        self.paused = False  # inside of a whole whose parts are not followed: a recurrent layer
        self.depth = 0
        self.settled: dict[str, str] = {}
        self.fixed: dict[str, str] = {}
        for tensor in inputs:
            if tensor.dim() == len(self._extent):  # two images lie on each other
                self._seen[tensor] = Seen(receptive_fields.of_input(tuple(tensor.shape)))

    def stands_for(self, other: torch.Tensor, tensor: torch.Tensor) -> None:
        """It sees what the tensor sees, if that is known: one of them is the share of the other that a device holds."""
        if (seen := self.of(tensor)) is not None:
            self._seen[other] = seen

    def field(self, seen: Seen | None) -> Field | None:
        return receptive_fields.field_of(seen.view, self._features or set(), self._extent) if seen else None

    def whole(self, results: list[torch.Tensor], depth: int) -> None:
        """Tensors that see all of the input (the outputs of a recurrent layer)."""
        for result in results:
            axes = tuple(map(features, result.shape))
            self._seen[result] = Seen(View(axes, tuple(ALL for _ in self._extent)), depth)
        self.depth = max(self.depth, depth)

    def follow(self, done: Executed, operation: Operation | None, path: str) -> None:
        """Note what the results of an executed operation see."""
        if self.paused:
            return
        name, results = done.name, done.results
        sources = [seen for tensor in done.arguments if (seen := self.of(tensor)) is not None]
        if not sources or not results:
            return
        formula = operation.formula if operation else None
        depth = max([seen.depth for seen in sources]) + _weighted(operation)
        self.depth = max(self.depth, depth)
        if name in PARTS:
            views = parts(sources[0].view, done.given, results)
        else:
            views = [self._view(done, [seen.view for seen in sources], operation, path)] * len(results)
        for result, view in zip(results, views):
            if len(view.axes) != result.dim():
                view = unknown(view, tuple(result.shape))
            same = view is sources[0].view and depth == sources[0].depth
            self._seen[result] = sources[0] if same else Seen(view, depth)
        if formula is None:
            maps = name in ("aten.cat", "aten.add", "aten.add_")
        else:  # what a pool to a fixed number of places puts out is no map of this size any more
            maps = not (isinstance(formula, Pooling) and formula.outputs)
        if maps:
            self._note_last(self._seen[results[0]], results[0])

    def _note_last(self, seen: Seen, result: torch.Tensor) -> None:
        if self._features is None and seen.depth:  # the first layer sees all of the axes that hold features
            places = {axis for axis, n in enumerate(self._extent) if n > 1}
            mixed = {axis for axis in places if seen.view.spans[axis] == ALL}
            depthwise = {1} if len(self._extent) > 3 else set()
            self._features = (mixed or depthwise) if mixed < places else set()
        if seen.view.carried() - (self._features or set()) and self._reach(seen) >= self._reach(self.last):
            self.last = seen
            self.last_tensor = result if self.keeps_last else None
            self.last_call = self.calls

    def _reach(self, seen: Seen | None) -> float:
        """A side branch (an auxiliary head) that sees less than the map before it is not the last one."""
        spans = (
            [span for axis, span in enumerate(seen.view.spans) if axis not in (self._features or ())] if seen else []
        )
        return max((span.size if span.size > 0 else float("inf") for span in spans), default=0)

    def _view(self, done: Executed, views: list[View], operation: Operation | None, path: str) -> View:
        """Of its first result. `views`: of its arguments that see any places."""
        name, given, tensors, shape = done.name, done.given, done.arguments, tuple(done.results[0].shape)
        view = views[0]
        if operation is not None:
            return self._counted(name, tensors, view, shape, operation, path)
        if name in MOVES:
            return MOVES[name](view, given, shape)
        if name in REGROUPS:
            return receptive_fields.regroup(view, shape)
        if name in KEEPS:
            return view
        if name in BATCH_NORMS:
            over = [axis for axis in range(len(view.axes)) if axis != 1] if given[BATCH_NORMS[name]] else []
            return receptive_fields.normalise(view, over, self._extent)
        if not view.axes and (name in MIXES or name in REDUCES):  # a single number has an axis in name only
            return view
        if name in MIXES:
            return self._mixed(view, [given["dim"] % len(view.axes)])
        if name in REDUCES:
            return self._reduced(view, given, path)
        if name in ("aten.native_layer_norm", "aten._fused_rms_norm"):
            over = list(range(len(view.axes) - len(given["normalized_shape"]), len(view.axes)))
            return receptive_fields.normalise(view, over, self._extent)
        if name == "aten.native_group_norm":
            return receptive_fields.normalise(view, list(range(1, len(view.axes))), self._extent)
        if name in ("aten.cat", "aten.stack"):
            return self._joined(name, given["tensors"], given["dim"] % len(shape), shape)
        if done.kind.elementwise:
            view = receptive_fields.union(views, shape)
            self._note_positions(tensors, view)
            return view
        return unknown(view, shape)

    def _counted(
        self,
        name: str,
        tensors: list[torch.Tensor],
        view: View,
        shape: Shape,
        operation: Operation,
        path: str,
    ) -> View:
        formula = operation.formula
        if isinstance(formula, Pooling):
            return self._pooled(view, formula, path)
        if isinstance(formula, DeformableConvolution):  # anywhere
            return unknown(view, shape)
        if isinstance(formula, Convolution) and name == "aten.conv_tbc":
            batch_first = receptive_fields.permute(view, [1, 2, 0])
            return receptive_fields.permute(self._convolved(batch_first, formula), [2, 0, 1])
        if isinstance(formula, Convolution):
            return self._convolved(view, formula)
        if formula.kind == "embedding":
            return replace(view, axes=(*view.axes, features(shape[-1])))
        if formula.kind in ("linear", "matmul", "bilinear", "distance") and len(tensors) > 1:  # weights may be packed
            return self._product(name, tensors, operation, shape, path)
        return unknown(view, shape)

    def _convolved(self, view: View, formula: Convolution) -> View:
        axes = len(formula.kernel)
        channels = len(view.axes) - axes - 1
        for i in range(axes):
            window = (formula.kernel[i], formula.stride[i], formula.padding[i], formula.dilation[i])
            view = receptive_fields.slide(view, channels + 1 + i, *window, formula.output[2 + i])
        if formula.groups == formula.input[1] == formula.out_channels:
            return view
        return receptive_fields.contract(view, [channels], self._extent, formula.out_channels)

    def _pooled(self, view: View, formula: Pooling, path: str) -> View:
        axes = len(formula.kernel or formula.outputs)
        first = len(view.axes) - axes
        sizes = formula.output[len(formula.output) - axes :]
        if formula.kernel:
            for i in range(axes):
                window = (formula.kernel[i], formula.stride[i], formula.padding[i], formula.dilation[i])
                view = receptive_fields.slide(view, first + i, *window, sizes[i])
            return view
        settled = view.carried(range(first, len(view.axes)))
        if settled:
            self.settled.setdefault(path, formula.label)
        for axis, n, outputs in zip(range(first, len(view.axes)), formula.input[-axes:], sizes):
            if prod(sizes) == 1:
                view = receptive_fields.contract(view, [axis], self._extent)
            elif n % outputs == 0:
                view = receptive_fields.slide(view, axis, n // outputs, n // outputs, 0, 1, outputs)
            else:  # windows of two sizes
                view = receptive_fields.blur(receptive_fields.lost(view, view.carried([axis])), axis, outputs)
        return replace(view, settled=view.settled | settled)

    def _product(self, name: str, tensors: list[torch.Tensor], operation: Operation, shape: Shape, path: str) -> View:
        """(rows, inner) @ (inner, columns): a unit sees what its row and its column see, all along the inner axis."""
        if name == "aten._trilinear":
            left, _, right = tensors[:3]
        else:
            left, right = operation.factors or tensors[-2:]
        across = name in ("aten.linear", "aten._trilinear", "aten._cdist_forward", "aten._euclidean_dist")
        views = []
        for operand, other, inner in ((left, right, left.dim() - 1), (right, left, right.dim() - 1 - (not across))):
            seen = self.of(operand)
            if seen is None:
                continue
            if self.of(other) is None:
                self._note_flattened(seen.view, max(inner, 0), path)
            gone = [max(inner, 0)] + ([0] if name == "aten.addbmm" else [])
            view = receptive_fields.contract(seen.view, gone, self._extent)
            left_over = [axis for i, axis in enumerate(view.axes) if i not in gone]
            axes = [features(n) for n in shape]
            for i, axis in enumerate(left_over):
                last = operand is right and name != "aten._trilinear" and i == operand.dim() - 2
                axes[len(shape) - 1 if last else i] = axis
            views.append(replace(view, axes=tuple(axes)))
        if len(views) < 2 or not shape:
            return views[0]
        both = views[0].carried() & views[1].carried([len(shape) - 1])
        return receptive_fields.lost(receptive_fields.union(views, shape), both)

    def _mixed(self, view: View, axes: list[int]) -> View:
        """Every element along these axes goes into every other."""
        lengths = [prod(digit.length for digit in axis) for axis in view.axes]
        mixed = receptive_fields.contract(view, axes, self._extent)
        new = [features(lengths[i]) if i in axes else axis for i, axis in enumerate(mixed.axes)]
        return replace(mixed, axes=tuple(new))

    def _reduced(self, view: View, given: Given, path: str) -> View:
        dims = given.get("dim")
        dims = [dims] if isinstance(dims, int) else list(dims or range(len(view.axes)))
        axes = sorted({dim % len(view.axes) for dim in dims})
        settled = view.carried(axes) - (self._features or set())
        if settled:
            self.settled.setdefault(path, "global pool")
        view = receptive_fields.contract(view, axes, self._extent)
        kept = view.axes if given.get("keepdim") else (axis for i, axis in enumerate(view.axes) if i not in axes)
        return replace(view, axes=tuple(kept), settled=view.settled | settled)

    def _joined(self, name: str, tensors: list[torch.Tensor], dim: int, shape: Shape) -> View:
        views = [seen.view for tensor in tensors if (seen := self.of(tensor)) is not None]
        if name == "aten.stack":
            views = [replace(view, axes=(*view.axes[:dim], (), *view.axes[dim:])) for view in views]
        return receptive_fields.join(views, dim, shape)

    def _note_flattened(self, view: View, inner: int, path: str) -> None:
        """A fully connected layer whose inputs are places: as many as there are."""
        if view.carried([inner]) - view.settled - (self._features or set()) and self._features is not None:
            self.fixed.setdefault(path, "flattened")

    def _note_positions(self, tensors: list[torch.Tensor], view: View) -> None:
        """A parameter with a value for each place: as many as there are."""
        for tensor in tensors:
            origin = self._origins.of(tensor)
            if self.of(tensor) is not None or origin is None or not origin.parameters:
                continue
            axes = [len(view.axes) - 1 - i for i, n in enumerate(reversed(tensor.shape)) if n > 1]
            if view.carried(axes) - view.settled - (self._features or set()):
                self.fixed.setdefault(origin.parameters[0], "positions")


def _weighted(operation: Operation | None) -> int:
    """Layers with weights on the way through it."""
    has = operation is not None and bool(operation.operands) and bool(operation.formula.weights)
    return operation.deep if operation is not None and has else 0
