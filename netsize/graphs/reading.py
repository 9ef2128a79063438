"""An ONNX file -> a graph with the shapes of its inputs settled and its functions inlined. Large tensors stay where
they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import inliner, numpy_helper

from netsize.errors import BadInput, BadModel, describe
from netsize.lecture.formulas import Shape
from netsize.sources.settings import InputSpec

SMALL = 2**20  # bytes of an external tensor that is read with the graph: it may say a shape
OPSETS = range(7, 100)


@dataclass
class Graph:
    """`inputs`: those that are no initializers, with the shapes that they are to have; `specs`: what was said of them;
    `constants`: initializers."""

    model: Any
    file: Path
    inputs: dict[str, Shape] = field(default_factory=dict)
    specs: dict[str, InputSpec] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)  # of the inputs, as onnx numbers them
    constants: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def opset(self) -> int:
        return next((o.version for o in self.model.opset_import if o.domain in ("", "ai.onnx")), 1)


def read(model: str, specs: Sequence[InputSpec], batch: bool) -> Graph:
    """Raises BadModel for a file that is damaged or incomplete, BadInput for inputs that do not fit."""
    file = Path(model)
    try:
        proto = onnx.load(model, load_external_data=False)
        if not proto.graph.node:
            raise BadModel(f"{model} is no ONNX file, or an empty graph: it has no nodes")
        _check_names(proto.graph)
        _check_files(proto, file)
        proto = inliner.inline_local_functions(proto)
    except BadModel:
        raise
    except (DecodeError, ValueError, RuntimeError, OSError, RecursionError, TypeError) as error:
        raise BadModel(f"{model} is no ONNX file, or is damaged: {describe(error)}") from error
    graph = Graph(proto, file)
    if graph.opset not in OPSETS:
        raise BadModel(f"{model} has opset {graph.opset}; netsize reads those from {OPSETS.start} on")
    _move_constants(graph)
    _settle_inputs(graph, specs, batch)
    return graph


def _check_names(graph: Any) -> None:
    """Whether they are texts: one that is damaged is read as bytes. Raises TypeError."""
    for node in graph.node:
        "".join([*node.input, *node.output, node.name, node.op_type, node.domain])
        for attribute in node.attribute:
            "".join([attribute.name])
            _check_names(attribute.g)
    "".join(value.name for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info))


def _check_files(proto: Any, file: Path) -> None:
    """Tensors may lie in files beside it; small ones are read, since they may say a shape."""
    for tensor in onnx.external_data_helper._get_all_tensors(proto):
        if not onnx.external_data_helper.uses_external_data(tensor):
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        beside = file.parent / place.get("location", "")
        end = int(place.get("offset", 0)) + int(place.get("length", 0))
        if beside.parent.resolve() != file.parent.resolve():
            raise BadModel(f"{file}: its tensor {tensor.name!r} lies outside of its folder, and is not read")
        if not beside.is_file() or beside.stat().st_size < end:
            raise BadModel(f"{file}: the file with its weights, {beside.name}, is missing or too short")
        if int(place.get("length", SMALL)) < SMALL:
            onnx.external_data_helper.load_external_data_for_tensor(tensor, str(file.parent))
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]


def _move_constants(graph: Graph) -> None:
    """Initializers, and Constant nodes that hold tensors, which are initializers in another place."""
    graph.constants = {tensor.name: tensor for tensor in graph.model.graph.initializer}
    kept = []
    for node in graph.model.graph.node:
        tensor = constant_of(node)
        if tensor is None:
            kept.append(node)
        else:
            graph.constants[tensor.name] = tensor
            graph.model.graph.initializer.append(tensor)
    del graph.model.graph.node[:]
    graph.model.graph.node.extend(kept)


def constant_of(node: Any) -> Any:
    """The tensor of a Constant node, under the name of its output; None for any other node."""
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    tensor = _value_of(node)
    if tensor is not None:
        tensor.name = node.output[0]
    return tensor


def _value_of(node: Any) -> Any:
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.name == "value":
            return value
        if attribute.name.startswith("value_") and "string" not in attribute.name:
            import numpy

            kind = numpy.float32 if "float" in attribute.name else numpy.int64
            return numpy_helper.from_array(numpy.array(value, dtype=kind))
    return None


def _settle_inputs(graph: Graph, specs: Sequence[InputSpec], batch: bool) -> None:
    """Sizes without a batch axis, as everywhere, for inputs by position or by name; what is open is 1 on the first
    axis, and must be said on others. The graph is changed to have them."""
    model, file = graph.model, graph.file
    inputs = [value for value in model.graph.input if value.name not in graph.constants]
    named = {spec.name: spec for spec in specs if spec.name}
    in_turn = iter([spec for spec in specs if not spec.name])
    unknown = sorted(set(named) - {value.name for value in inputs})
    if unknown or len(specs) > len(inputs):
        takes = ", ".join(value.name for value in inputs) or "nothing"
        raise BadInput(f"{file} has no input {(unknown or ['more'])[0]!r}: it takes {takes}")
    for value in inputs:
        tensor = value.type.tensor_type
        spec = named.get(value.name) or next(in_turn, None)
        if spec is not None:
            graph.specs[value.name] = spec
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        shape = _shape(file, value.name, sizes, spec, batch) if tensor.HasField("shape") or spec else ()
        if batch and spec is None and shape and shape[0] > 1:
            graph.notes += (
                f"its input {value.name} is fixed to {shape[0]} on its first axis: counts are for all of it",
            )
        graph.inputs[value.name], graph.types[value.name] = shape, tensor.elem_type
        del tensor.shape.dim[:]
        for size in shape:
            tensor.shape.dim.add().dim_value = size
    del model.graph.value_info[:]  # of the shapes that it was exported with


def _shape(file: Path, name: str, sizes: list[int | None], spec: InputSpec | None, batch: bool) -> Shape:
    """What is said; else what is fixed, and 1 for an open first axis."""
    if spec is None:
        shape = tuple(size if size else 1 if axis == 0 else 0 for axis, size in enumerate(sizes))
        if 0 in shape:
            told = "x".join("?" if not size else str(size) for size in sizes[1:])
            raise BadInput(f"{file}: say how large its input {name} is, as --input {name}={told} (no batch axis)")
        return shape
    shape = ((1,) if batch and spec.batched else ()) + spec.shape
    if sizes and len(shape) != len(sizes):
        raise BadInput(f"{file}: its input {name} has {len(sizes)} axes, and {spec} has {len(shape)}")
    return shape
