"""What is known of each value of a graph: its shape, small whole numbers that are settled (sizes), and which parameters
it was made from."""

from collections import Counter
from math import prod
from typing import Any

import numpy
import onnx
from onnx import TensorProto, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from netsize.graphs.reading import Graph
from netsize.lecture.formulas import Shape

KNOWN = 10_000  # elements: larger constants are not worked out
FRACTIONS = {
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT8,
    TensorProto.UINT8, TensorProto.INT4, TensorProto.UINT4, TensorProto.COMPLEX64,
    TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2, TensorProto.FLOAT4E2M1,
}  # fmt: skip
FOUR_BITS = {TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1}
STATISTICS = {"BatchNormalization": (3, 4)}  # inputs that are no parameters: running means and variances
SCALES = {"DequantizeLinear": (1, 2), "QuantizeLinear": (1, 2), "QLinearConv": (1, 2, 4, 5, 6, 7),
          "QLinearMatMul": (1, 2, 4, 5, 6, 7), "ConvInteger": (2, 3), "MatMulInteger": (2, 3),
          "MatMulNBits": (2, 3), "Clip": (1, 2), "Resize": (1, 2), "Pad": (2,)}  # fmt: skip


def logical(node: Any) -> int:
    """Weights of a MatMulNBits, several of which lie in each byte."""
    sizes = {attribute.name: attribute.i for attribute in node.attribute}
    return int(sizes["K"] * sizes["N"])


class Values:
    """Shapes and origins, node by node. `actual`: shapes that came out when the graph was run, if it was."""

    def __init__(self, graph: Graph, actual: dict[str, Shape]) -> None:
        self.graph, self.actual = graph, actual
        self._types: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        self.misfits: dict[str, str] = {}  # nodes by their first output, and why onnx says that their inputs do not fit
        self._fixed: set[str] = set()  # values that no input goes into
        for tensor in graph.constants.values():
            self.settle(tensor)
        for name, shape in graph.inputs.items():
            self._types[name] = onnx.helper.make_tensor_type_proto(graph.types[name], shape)
        self.parameters = self._parameters()
        self.origins: dict[str, tuple[str, ...]] = {name: (name,) for name in self.parameters}

    def _parameters(self) -> dict[str, int]:
        """Initializers with fractions (or quantized ones), but for single numbers, statistics, and scales."""
        left_out, packed = set(), {}
        for node in self.graph.model.graph.node:
            for places in (STATISTICS.get(node.op_type, ()), SCALES.get(node.op_type, ())):
                left_out |= {node.input[place] for place in places if place < len(node.input)}
            if node.op_type == "MatMulNBits":
                packed[node.input[1]] = logical(node)
        return {
            name: packed.get(name, prod(tensor.dims))
            for name, tensor in self.graph.constants.items()
            if tensor.data_type in FRACTIONS and tensor.dims and prod(tensor.dims) > 1 and name not in left_out
        }

    def storage(self) -> Counter[str]:
        """Bytes of the parameters, by type."""
        found: Counter[str] = Counter()
        for name in self.parameters:
            tensor = self.graph.constants[name]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            bits = 4 if tensor.data_type in FOUR_BITS else 8 * dtype.itemsize
            found[dtype.name] += -(-prod(tensor.dims) * bits // 8)
        return found

    def shape(self, name: str) -> Shape | None:
        """None if it cannot be told without running the graph."""
        if name in self.actual:
            return self.actual[name]
        tensor = self._types[name].tensor_type if name in self._types else None
        if tensor is None or not tensor.HasField("shape"):
            return None
        sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
        return None if None in sizes else tuple(size for size in sizes if size is not None)

    def is_fixed(self, name: str) -> bool:
        return name in self._fixed

    def settle(self, tensor: Any) -> None:
        """What a constant holds."""
        self._fixed.add(tensor.name)
        self._types[tensor.name] = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
        if prod(tensor.dims) <= KNOWN and tensor.data_location != TensorProto.EXTERNAL:
            self._known[tensor.name] = tensor

    def number(self, name: str) -> int | None:
        """A whole number that is settled."""
        known = self._known.get(name)
        return None if known is None or prod(known.dims) != 1 else int(numpy_helper.to_array(known).item())

    def truth(self, name: str) -> bool | None:
        """Of a condition that is settled."""
        known = self._known.get(name)
        return None if known is None else bool(numpy.all(numpy_helper.to_array(known)))

    def follow(self, node: Any) -> None:
        """What a node makes: of settled numbers settled ones, of parameters what belongs to them."""
        given = [name for name in node.input if name]
        if all(name in self._fixed for name in given) and not node.op_type.startswith("Random"):
            self._fixed |= set(node.output)
        sources = tuple(dict.fromkeys(source for name in given for source in self.origins.get(name, ())))
        if sources and all(name in self._fixed for name in given):
            for output in node.output:
                self.origins[output] = sources
        self._infer(node)
        self._work_out(node, given)

    def _infer(self, node: Any) -> None:
        if not onnx.defs.has(node.op_type, self.graph.opset, node.domain):
            return
        schema = onnx.defs.get_schema(node.op_type, self.graph.opset, node.domain)
        types = {name: self._types[name] for name in node.input if name in self._types}
        if any(name and name not in types for name in node.input):
            return
        known = {name: self._known[name] for name in node.input if name in self._known}
        try:
            made = shape_inference.infer_node_outputs(
                schema, node, types, known, opset_imports=list(self.graph.model.opset_import)
            )
        except shape_inference.InferenceError as error:
            self.misfits[node.output[0]] = str(error).strip().splitlines()[-1]
            return
        except Exception:  # of onnx, on what it does not know: nor is the shape
            return
        self._types |= {name: made[name] for name in node.output if name in made}

    def _work_out(self, node: Any, given: list[str]) -> None:
        """Sizes: of shapes that are known, and of small numbers."""
        if node.op_type == "Shape" and (shape := self.shape(node.input[0])) is not None:
            at = {a.name: a.i for a in node.attribute}
            sizes = numpy.array(shape[at.get("start", 0) : at.get("end", len(shape))], dtype=numpy.int64)
            self._know(node.output[0], sizes)
        elif given and all(name in self._known for name in given) and self._stays_small(node):
            try:
                arrays = {name: numpy_helper.to_array(self._known[name]) for name in given}
                made = ReferenceEvaluator(node).run(None, arrays)
            except Exception:  # of onnx's own evaluator: then the number is not known
                return
            for name, array in zip(node.output, made):
                if isinstance(array, (numpy.ndarray, numpy.generic)) and array.size <= KNOWN and name:
                    self._know(name, numpy.asarray(array))

    def _stays_small(self, node: Any) -> bool:
        """Whether what it makes is no larger than what is worked out here."""
        if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
            return False
        shapes = [self.shape(name) for name in node.output if name]
        grows = node.op_type in ("ConstantOfShape", "Expand", "Tile", "Range", "OneHot", "Pad", "Resize", "EyeLike")
        return all(prod(shape) <= KNOWN if shape is not None else not grows for shape in shapes)

    def _know(self, name: str, array: Any) -> None:
        self._known[name] = numpy_helper.from_array(array, name)
        self._types[name] = onnx.helper.make_tensor_type_proto(self._known[name].data_type, array.shape)
