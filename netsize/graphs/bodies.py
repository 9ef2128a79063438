"""Graphs inside of nodes (If, Loop, Scan), put into the graph around them as often as they are executed: what then is
walked and run has no bodies any more. A loop that values end stays as it is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy
import onnx
from onnx import helper, numpy_helper

from netsize.graphs.operators import READERS
from netsize.graphs.reading import Graph, constant_of
from netsize.graphs.silent import is_silent
from netsize.graphs.values import Values

MOST = 20_000  # nodes that a loop may become
Decide = Callable[[Any], bool | None]  # of an If node whose condition is not settled


def has_bodies(graph: Graph) -> bool:
    return any(node.op_type in ("If", "Loop", "Scan") for node in graph.model.graph.node)


def flatten(graph: Graph, decide: Decide) -> None:
    """Change the graph."""
    flat = Flat(graph, decide)
    nodes = list(graph.model.graph.node)
    flat.take(nodes)
    del graph.model.graph.node[:]
    graph.model.graph.node.extend(flat.nodes)


def is_idle(node: Any) -> bool:
    """Whether nothing in its bodies has connections."""
    bodies = [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
    inner = [part for body in bodies for part in body.node]
    return all(
        is_idle(part) if part.op_type in ("If", "Loop", "Scan") else
        part.op_type not in READERS and is_silent(part.domain, part.op_type) or part.op_type == "Gather"
        for part in inner
    )  # fmt: skip


class Flat:
    """The nodes, in order, with what is known of their values."""

    def __init__(self, graph: Graph, decide: Decide) -> None:
        self.graph, self.decide = graph, decide
        self.values = Values(graph, {})
        self.nodes: list[Any] = []
        self._number = 0

    def take(self, nodes: list[Any]) -> None:
        for node in nodes:
            if node.op_type == "If":
                self._branch(node)
            elif node.op_type in ("Loop", "Scan"):
                self._loop(node)
            else:
                self._append(node)

    def _append(self, node: Any) -> None:
        self.nodes.append(node)
        self.values.follow(node)

    def _branch(self, node: Any) -> None:
        truth = self.values.truth(node.input[0])
        truth = self.decide(node) if truth is None else truth
        if truth is None:
            self._append(node)
            return
        body = _body(node, "then_branch" if truth else "else_branch")
        self._constants(body, prefix := self._prefix(node))
        self.take(list(_inserted(body, prefix, {}, dict(zip(_names(body.output), node.output)))))

    def _loop(self, node: Any) -> None:
        body = _body(node, "body")
        turns = self._turns(node)
        if turns is None or turns * len(body.node) > MOST:
            self._append(node)
            return
        steps = _Scan(self, node, body) if node.op_type == "Scan" else _Loop(self, node, body)
        self._constants(body, prefix := self._prefix(node))
        before = len(self.nodes)
        for turn in range(turns):
            if not steps.once(turn, f"{prefix}{turn}/", prefix):
                del self.nodes[before:]  # values decide when it ends
                self._append(node)
                return
        steps.finish(prefix)

    def _turns(self, node: Any) -> int | None:
        if node.op_type == "Loop":
            return self.values.number(node.input[0]) if node.input[0] else None
        scans = _attribute(node, "num_scan_inputs", 0)
        shape = self.values.shape(node.input[-1]) if scans else None
        axes = _attribute(node, "scan_input_axes", [0] * scans)
        return shape[axes[-1]] if shape is not None else None

    def _prefix(self, node: Any) -> str:
        self._number += 1
        return f"{node.name or node.output[0]}/{self._number}/"

    def _constants(self, body: Any, prefix: str) -> None:
        """Tensors of a body are the graph's, once, however often it is executed."""
        for tensor in [*body.initializer, *filter(None, map(constant_of, body.node))]:
            self.constant(tensor, prefix + tensor.name)

    def constant(self, tensor: Any, name: str) -> str:
        own = onnx.TensorProto()
        own.CopyFrom(tensor)
        own.name = name
        self.graph.constants[name] = own
        self.graph.model.graph.initializer.append(own)
        self.values.settle(own)
        return name


class _Loop:
    """Carried values go from one turn to the next; what is scanned is put side by side behind the last one."""

    def __init__(self, flat: Flat, node: Any, body: Any) -> None:
        self.flat, self.node, self.body = flat, node, body
        self.carried = list(node.input[2:])
        self.scanned: list[list[str]] = [[] for _ in body.output[1 + len(self.carried) :]]

    def once(self, turn: int, prefix: str, constants: str) -> bool:
        number = self.flat.constant(numpy_helper.from_array(numpy.array(turn)), f"{prefix}turn")
        goes_on = self.flat.constant(numpy_helper.from_array(numpy.array(True)), f"{prefix}goes on")
        given = dict(zip(_names(self.body.input), [number, goes_on, *self.carried]))
        names = _names(self.body.output)
        self.flat.take(list(_inserted(self.body, prefix, given, {n: prefix + "out/" + n for n in names}, constants)))
        made = [prefix + "out/" + name for name in names]
        self.carried = made[1 : 1 + len(self.carried)]
        for found, name in zip(self.scanned, made[1 + len(self.carried) :]):
            found.append(name)
        return self.flat.values.truth(made[0]) is True

    def finish(self, prefix: str) -> None:
        for name, output in zip(self.carried, self.node.output):
            self.flat.take([helper.make_node("Identity", [name], [output])] if output else [])
        for parts, output in zip(self.scanned, self.node.output[len(self.carried) :]):
            self.flat.take(list(_stacked(self.flat, parts, output, 0)) if output else [])


class _Scan:
    """As a loop over the places of an axis."""

    def __init__(self, flat: Flat, node: Any, body: Any) -> None:
        self.flat, self.node, self.body = flat, node, body
        scans = _attribute(node, "num_scan_inputs", 0)
        states = len(node.input) - scans
        self.carried, self.inputs = list(node.input[:states]), list(node.input[states:])
        self.axes = _attribute(node, "scan_input_axes", [0] * scans)
        self.backwards = _attribute(node, "scan_input_directions", [0] * scans)
        self.scanned: list[list[str]] = [[] for _ in body.output[states:]]
        self.out_axes = _attribute(node, "scan_output_axes", [0] * len(self.scanned))

    def once(self, turn: int, prefix: str, constants: str) -> bool:
        taken = []
        for place, (name, axis, backwards) in enumerate(zip(self.inputs, self.axes, self.backwards)):
            index = numpy.array(-1 - turn if backwards else turn)
            at = self.flat.constant(numpy_helper.from_array(index), f"{prefix}at {place}")
            taken.append(f"{prefix}taken {place}")
            self.flat.take([helper.make_node("Gather", [name, at], [taken[-1]], axis=axis)])
        given = dict(zip(_names(self.body.input), [*self.carried, *taken]))
        names = _names(self.body.output)
        self.flat.take(list(_inserted(self.body, prefix, given, {n: prefix + "out/" + n for n in names}, constants)))
        made = [prefix + "out/" + name for name in names]
        self.carried = made[: len(self.carried)]
        for found, name in zip(self.scanned, made[len(self.carried) :]):
            found.append(name)
        return True

    def finish(self, prefix: str) -> None:
        for name, output in zip(self.carried, self.node.output):
            self.flat.take([helper.make_node("Identity", [name], [output])] if output else [])
        for parts, axis, output in zip(self.scanned, self.out_axes, self.node.output[len(self.carried) :]):
            self.flat.take(list(_stacked(self.flat, parts, output, axis)) if output else [])


def _inserted(
    body: Any, prefix: str, given: Mapping[str, str], made: Mapping[str, str], constants: str = ""
) -> Iterator[Any]:
    """The nodes of a body under names of their own; `given`: what its inputs are; `made`: how its outputs are called;
    `constants`: the prefix of its tensors."""
    kept = constants or prefix
    own = {tensor.name: kept + tensor.name for tensor in body.initializer}
    own |= {node.output[0]: kept + node.output[0] for node in body.node if constant_of(node) is not None}
    inside = {name for node in body.node for name in node.output if name and name not in own}
    names = {**given, **own, **{name: made.get(name, prefix + name) for name in inside}}
    for node in body.node:
        if constant_of(node) is None:
            yield _renamed(node, names, prefix)
    for name, output in made.items():
        if name not in inside:  # an input, a constant, or a value from outside
            yield helper.make_node("Identity", [names.get(name, name)], [output])


def _renamed(node: Any, names: Mapping[str, str], prefix: str = "") -> Any:
    """With other names, in its bodies, too."""
    other = onnx.NodeProto()
    other.CopyFrom(node)
    for field in (other.input, other.output):
        renamed = [names.get(name, name) for name in field]
        del field[:]
        field.extend(renamed)
    for attribute in other.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            shadowed = {value.name for value in (*attribute.g.input, *attribute.g.initializer)}
            outer = {name: new for name, new in names.items() if name not in shadowed}
            inner = [_renamed(part, outer) for part in attribute.g.node]
            del attribute.g.node[:]
            attribute.g.node.extend(inner)
            for value in attribute.g.output:
                value.name = outer.get(value.name, value.name)
    return other


def _stacked(flat: Flat, parts: list[str], output: str, axis: int) -> Iterator[Any]:
    """Side by side along a new axis."""
    axes = flat.constant(numpy_helper.from_array(numpy.array([axis])), f"{output}/axis")
    for part in parts:
        if flat.graph.opset >= 13:
            yield helper.make_node("Unsqueeze", [part, axes], [f"{part}/wide"])
        else:
            yield helper.make_node("Unsqueeze", [part], [f"{part}/wide"], axes=[axis])
    yield helper.make_node("Concat", [f"{part}/wide" for part in parts], [output], axis=axis)


def _body(node: Any, name: str) -> Any:
    return next(attribute.g for attribute in node.attribute if attribute.name == name)


def _attribute(node: Any, name: str, otherwise: Any) -> Any:
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), otherwise)


def _names(values: Any) -> list[str]:
    return [value.name for value in values]
