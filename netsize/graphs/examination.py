"""From an ONNX file to the facts of one forward pass, as `netsize.run.examination` finds them for a torch network."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from netsize.errors import BadInput, BadModel, BadOption
from netsize.facts.network import Call, Elements, FlowNode, Network, Source, Step, Unknown
from netsize.graphs.bodies import flatten, has_bodies, is_idle
from netsize.graphs.layers import layer_of
from netsize.graphs.operators import READERS, Counted, Node, NoFormula, Unsettled
from netsize.graphs.reading import Graph, read
from netsize.graphs.running import conditions_of, on_ones, runner, shapes_of
from netsize.graphs.silent import is_silent
from netsize.graphs.values import Values
from netsize.lecture.formulas import Shape, by
from netsize.lecture.products import Product
from netsize.sources.settings import InputSpec, Settings

Say = Callable[[str], None]
BODIES = ("If", "Loop", "Scan")
NESTED = 10  # conditions inside of conditions
# between a product and the softmax of its scores, or between a softmax and the product with the values
PASSING = {"Mul", "Div", "Add", "Sub", "Where", "Cast", "Dropout", "Identity", "Reshape", "Softmax", "Expand", "Clip"}


def examine(
    model: str,
    specs: Sequence[InputSpec],
    settings: Settings,
    *,
    device: str = "auto",
    verify: bool = True,
    batch: bool = True,
    fields: str = "",
    changes: bool = False,
    say: Say = lambda _: None,
) -> Network:
    """Read, count and (`verify`) run a graph. `fields`: which receptive fields are asked for; `changes`: whether
    another network is, with other classes or less layers. Raises NetsizeError."""
    if settings != Settings():
        raise BadOption(f"{model} is a graph: --set, --task, --tokens and --image belong to networks that are built")
    if changes or fields == "all":
        raise BadOption(f"{model} is a graph: --classes, --until and --receptive-field need a network of torch")
    if device.partition(":")[0] not in ("auto", "cpu"):
        raise BadOption(f"--device {device}: graphs are run on the CPU")
    started = time.perf_counter()
    say(f"reading {model}")
    graph = read(model, specs, batch)
    say(f"{'running' if verify else 'counting'} {model}")
    decided = _flattened(graph, verify) if has_bodies(graph) else ()
    walk = Walk(graph, shapes_of(graph) if verify else {}, verify, say)
    walk.go()
    return Network(
        source=Source("onnx", model, Path(model).name, f"opset {graph.opset}"),
        input=tuple(graph.inputs.values()),
        calls=tuple(walk.calls),
        parameters=tuple(walk.values.parameters.items()),
        unused=tuple((name, size) for name, size in walk.values.parameters.items() if name not in walk.used),
        uncounted=walk.unknowns(),
        depends_on_values=decided if verify else (),
        guessed=() if verify else tuple((name, "") for name in decided),
        device="cpu",
        torch="",
        executed=verify,
        seconds=time.perf_counter() - started,
        steps=tuple(walk.steps),
        depth=walk.depth,
        storage=tuple(walk.values.storage().items()),
        flow=tuple(walk.flow),
        ends=tuple(dict.fromkeys(node for value in graph.model.graph.output for node in walk.sources((value.name,)))),
        notes=(*graph.notes, *((f"run by {runner()}",) if verify else ())),
    )


def _flattened(graph: Graph, verify: bool) -> tuple[str, ...]:
    """Put bodies in their places, and say whether values decided which. Without them, every condition holds."""
    decided: dict[str, None] = {}
    flatten(graph, lambda node: None)
    for _ in range(NESTED):
        if not any(node.op_type == "If" for node in graph.model.graph.node):
            break
        decided["onnx.If"] = None
        held = conditions_of(graph) if verify else {}

        def decide(node: Any, held: dict[str, bool] = held) -> bool | None:
            return held.get(node.input[0]) if verify else True

        flatten(graph, decide)
    return tuple(decided)


class Walk:
    """Through the nodes, in the order in which they are executed."""

    def __init__(self, graph: Graph, actual: dict[str, Shape], verify: bool, say: Say) -> None:
        self.graph, self.verify, self.say = graph, verify, say
        self.values = Values(graph, actual)
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self.used: set[str] = set()
        self._left = dict(self.values.parameters)  # elements that no call has claimed
        self._first: dict[str, str] = {}  # parameter -> the layer that used it first
        self._numbers: Counter[str] = Counter()
        self._depths: dict[str, int] = {}
        self._products: dict[str, int] = {}  # value -> the call that made it, which may get a bias
        self._unknown: dict[str, tuple[int, str]] = {}
        self.flow = [FlowNode("input", "", shape) for shape in graph.inputs.values()]
        self._made = {name: (node,) for node, name in enumerate(graph.inputs)}  # value -> nodes of the flow
        self._makers = {name: node for node in graph.model.graph.node for name in node.output}
        self._users: dict[str, list[Any]] = {}
        for node in graph.model.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def go(self) -> None:
        for number, proto in enumerate(self.graph.model.graph.node):
            if number % 50 == 0:
                self.say(f"{self.graph.file}: node {number} of {len(self.graph.model.graph.node)}")
            self.used |= {source for name in proto.input for source in self.values.origins.get(name, ())}
            self.values.follow(proto)
            depth = max((self._depths.get(name, 0) for name in proto.input), default=0)
            before = len(self.calls)
            self._visit(proto)
            weighted = any(call.elements and call.formula.fan_in != 0 for call in self.calls[before:])
            self._depths |= dict.fromkeys(proto.output, depth + weighted)
            self._follow(proto, range(before, len(self.calls)))

    def _follow(self, proto: Any, calls: range) -> None:
        """What the values that a node makes come from."""
        made = self.sources(proto.input if proto.op_type != "Shape" else ())
        for call in calls:
            self.flow.append(FlowNode("", self.calls[call].path, self.calls[call].output, made, call))
            made = (len(self.flow) - 1,)
        if len(made) > 1:
            shape = self.values.shape(proto.output[0]) or ()
            self.flow.append(FlowNode(f"onnx.{proto.op_type}", layer_of(proto, "")[0], shape, made))
            made = (len(self.flow) - 1,)
        self._made |= dict.fromkeys(proto.output, made)

    def sources(self, names: Iterable[str]) -> tuple[int, ...]:
        """The nodes of the flow that these values come from."""
        return tuple(dict.fromkeys(node for name in names for node in self._made.get(name, ())))

    @property
    def depth(self) -> int:
        """Layers with weights on the longest way from the input."""
        return max(self._depths.values(), default=0)

    def unknowns(self) -> tuple[Unknown, ...]:
        return tuple(Unknown(name, calls, shapes) for name, (calls, shapes) in self._unknown.items())

    def _visit(self, proto: Any) -> None:
        reader = READERS.get(proto.op_type) if proto.domain in ("", "ai.onnx", "com.microsoft") else None
        if (proto.domain, proto.op_type) == ("com.microsoft", "Attention"):  # of another form than ONNX's own
            reader = None
        if reader is None:
            self._without(proto)
            return
        if misfit := self.values.misfits.get(proto.output[0]):
            raise BadModel(f"{self.graph.file}: its node {proto.name or proto.output[0]} does not fit: {misfit}")
        node = Node(proto, self.values)
        try:
            found = list(reader(node))
            for counted in found:
                self._count(proto, counted)
                self._products[proto.output[0]] = len(self.calls) - 1
            if not found:  # it gathers, and looks nothing up
                self._step(proto)
        except Unsettled as value:
            raise BadInput(
                f"{self.graph.file}: the shape of {value} is known by running it only.\nLeave --no-verify away"
            ) from None
        except NoFormula:
            self._know_nothing(proto)

    def _without(self, proto: Any) -> None:
        """An operator that has no connections, or that nobody here knows."""
        if proto.op_type == "Add":
            self._add_bias(proto)
        if is_silent(proto.domain, proto.op_type) or (proto.op_type in BODIES and is_idle(proto)):
            self._step(proto)
        else:
            self._know_nothing(proto)

    def _know_nothing(self, proto: Any) -> None:
        name = f"{proto.domain or 'onnx'}.{proto.op_type}"
        given, made = ([self.values.shape(n) for n in names if n] for names in (proto.input, proto.output))
        told = " -> ".join(" and ".join(by(shape) if shape else "?" for shape in shapes) for shapes in (given, made))
        calls, shapes = self._unknown.get(name, (0, told))
        self._unknown[name] = (calls + 1, shapes)

    def _step(self, proto: Any) -> None:
        path, kind = layer_of(proto, "")
        given, made = (self.values.shape(names[0]) if names else () for names in (proto.input, proto.output))
        self.steps.append(Step(len(self.calls), path, kind, f"onnx.{proto.op_type}", given or (), made or ()))

    def _count(self, proto: Any, counted: Counted) -> None:
        formula = counted.formula
        weights = tuple(claim for name, size in counted.operands for claim in self._claim(name, size))
        names = [source for name, _ in counted.operands for source in self.values.origins.get(name, ())]
        path, kind = layer_of(proto, names[0] if names else "")
        first = {self._first.setdefault(name, path) for name in names}
        biases, size = self._biases(counted.bias)
        output = counted.reads([self.values.shape(name) for name in proto.output])
        output = formula.output if output is None and not self.verify else output or ()  # of a number: ()
        attention = isinstance(formula, Product) and not counted.operands and self._is_attention(proto)
        self.calls.append(
            Call(
                path=path,
                call=self._numbers[path],
                type=kind,
                kind="attention" if attention else formula.kind,
                operation=f"onnx.{proto.op_type}",
                formula=formula,
                input=counted.input,
                output=output,
                elements=sum(size for _, size in counted.operands),
                weights_of=min(first - {path}, default="") if not weights else "",
                weights=weights,
                bias_elements=size,
                biases=biases,
                executed=on_ones(counted) if self.verify else None,
            )
        )
        self._numbers[path] += 1

    def _claim(self, name: str, elements: int) -> Elements:
        """Of the parameters that a value was made from as many elements as it has and nobody has claimed."""
        claimed = []
        for source in self.values.origins.get(name, ()):
            taken = min(elements, self._left[source])
            if taken:
                self._left[source] -= taken
                elements -= taken
                claimed.append((source, taken))
        return tuple(claimed)

    def _biases(self, bias: tuple[str, int]) -> tuple[Elements, int]:
        name, size = bias
        return (self._claim(name, size), size) if size else ((), 0)

    def _add_bias(self, proto: Any) -> None:
        """An exporter writes a fully connected layer as a product, and its bias as a sum behind it."""
        for product, added in (proto.input, reversed(proto.input)):
            index = self._products.get(product)
            if index is None or added not in self.values.origins or self.calls[index].bias_elements:
                continue
            call = self.calls[index]
            if not call.elements:  # a mask on the scores of two activations
                continue
            size = prod(self.values.shape(added) or ())
            if size == call.formula.biases and size:
                self.calls[index] = replace(call, biases=self._claim(added, size), bias_elements=size)
                return

    def _is_attention(self, proto: Any) -> bool:
        """Whether its result goes to a softmax, or one of its operands comes from one, with nothing between but what
        scales and masks."""
        return self._reaches(proto.output[0], 6) or any(self._comes(name, 6) for name in proto.input)

    def _reaches(self, name: str, steps: int) -> bool:
        users = self._users.get(name, ())
        if any(node.op_type == "Softmax" for node in users):
            return True
        return steps > 0 and any(self._reaches(node.output[0], steps - 1) for node in users if node.op_type in PASSING)

    def _comes(self, name: str, steps: int) -> bool:
        node = self._makers.get(name)
        if node is None:
            return False
        if node.op_type == "Softmax":
            return True
        passes = node.op_type in ("Cast", "Dropout", "Identity", "Reshape", "Where", "Mul")
        return steps > 0 and passes and any(self._comes(given, steps - 1) for given in node.input)
