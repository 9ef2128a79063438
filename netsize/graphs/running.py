"""Running a graph: all of it on random inputs, and single nodes on ones. By onnxruntime, where it is installed, else by
onnx's own evaluator, which is slow."""

import importlib.util
import io
from contextlib import redirect_stdout
from typing import Any

import numpy
import onnx
from onnx import TensorProto

from netsize.errors import BadInput, TooLarge, describe
from netsize.facts.network import Execution
from netsize.graphs.operators import Counted, Run
from netsize.graphs.reading import Graph
from netsize.lecture.formulas import Shape

OPSET = 13  # that a node is run in: these operators are the same in all
EXACT_IN_FLOAT32 = 2**24


def runner() -> str:
    """onnxruntime 1.23.0, or onnx 1.19.0"""
    from importlib.metadata import version

    name = "onnxruntime" if importlib.util.find_spec("onnxruntime") is not None else "onnx"
    return f"{name} {version(name)}"


def shapes_of(graph: Graph) -> dict[str, Shape]:
    """Of all values, as they come out when the whole graph is run on random numbers. Raises BadInput."""
    found = {name: tuple(array.shape) for name, array in _made(graph).items() if hasattr(array, "shape")}
    return found | dict(graph.inputs)


def conditions_of(graph: Graph) -> dict[str, bool]:
    """What the values of a run decide, by the names of the conditions. Raises BadInput."""
    asked = {node.input[0] for node in graph.model.graph.node if node.op_type == "If"}
    return {name: bool(numpy.all(array)) for name, array in _made(graph).items() if name in asked}


def _made(graph: Graph) -> dict[str, Any]:
    """All values."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    made = [name for node in model.graph.node for name in node.output if name]
    for node in model.graph.node:
        node.name = ""  # of a loop's turns they are alike, which no runtime takes
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in made)
    numbers = numpy.random.default_rng(0)
    inputs = {name: _random(numbers, name, graph) for name in graph.inputs}
    try:
        outputs = _run(model, inputs, str(graph.file.parent))
    except MemoryError as error:
        raise TooLarge(f"{graph.file} is too large to be run.\n--no-verify counts it without running it") from error
    except Exception as error:  # of the runtime, on whatever a graph holds
        raise BadInput(
            f"{graph.file} cannot be run by {runner()}: {describe(error)}\n--no-verify counts it without running it"
        ) from error
    return inputs | dict(zip(made, outputs))


def _random(numbers: Any, name: str, graph: Graph) -> Any:
    """What was said; else uniform in 0..1, whole numbers 0, and those of a mask, in which nothing is left out, 1."""
    shape, kind, spec = graph.inputs[name], graph.types[name], graph.specs.get(name)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
    if spec is not None and spec.value is not None:
        return numpy.full(shape, spec.value, dtype)
    if spec is not None and spec.below is not None:
        return numbers.integers(0, spec.below, shape).astype(dtype)
    if kind in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16):
        return numbers.random(shape).astype(dtype)
    return (numpy.ones if "mask" in name.lower() else numpy.zeros)(shape, dtype=dtype)


def _run(model: Any, inputs: dict[str, Any], folder: str) -> list[Any]:
    if importlib.util.find_spec("onnxruntime") is None:
        from onnx.reference import ReferenceEvaluator

        onnx.external_data_helper.load_external_data_for_model(model, folder)
        return list(ReferenceEvaluator(model).run(None, inputs))
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # what it says is raised, too
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    with redirect_stdout(io.StringIO()):  # it prints errors, which it raises, too
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs: list[Any] = session.run(None, inputs)
    return outputs


def on_ones(counted: Counted) -> Execution:
    """Its connections, by running its products on ones: with padding filled with ones, and left at zero."""
    inside = sum(_total(run, counted) for run in counted.inside)
    return Execution(sum(_total(run, counted) for run in counted.filled) if counted.filled else inside, inside)


def _total(run: Run, counted: Counted) -> int:
    formula = counted.formula
    exact = (formula.fan_in or formula.connections) <= EXACT_IN_FLOAT32
    kind, dtype = (TensorProto.FLOAT, numpy.float32) if exact else (TensorProto.DOUBLE, numpy.float64)
    names = [f"x{place}" for place in range(len(run.shapes))]
    attributes = {key: value for key, value in run.attributes.items() if value is not None}
    node = onnx.helper.make_node(run.operator, names, ["y"], **attributes)
    inputs = [onnx.helper.make_tensor_value_info(name, kind, shape) for name, shape in zip(names, run.shapes)]
    output = onnx.helper.make_tensor_value_info("y", kind, None)
    graph = onnx.helper.make_graph([node], "ones", inputs, [output])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=8)
    (made,) = _run(model, {name: numpy.ones(shape, dtype) for name, shape in zip(names, run.shapes)}, ".")
    return run.times * int(numpy.rint(made.astype(numpy.float64)).sum(dtype=numpy.float64))
