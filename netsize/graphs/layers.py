"""Which layer a node belongs to, by its name or by what an exporter has written beside it."""

import ast
from typing import Any


def layer_of(node: Any, weight: str) -> tuple[str, str]:
    """The path of a layer, as the network that was exported had it, and its class, if it is told. `weight`: the name
    of the first parameter of the node, or nothing."""
    told = {entry.key: entry.value for entry in getattr(node, "metadata_props", ())}
    if "Fuse" in told.get("pkg.onnxscript.rewriter.rule_name", "") and "." in weight:
        return weight.rpartition(".")[0], node.op_type  # what it was fused with has given it its name
    scopes, classes = told.get("pkg.torch.onnx.name_scopes"), told.get("pkg.torch.onnx.class_hierarchy")
    if scopes and classes:
        try:
            names, types = ast.literal_eval(scopes), ast.literal_eval(classes)
            if len(names) > 1 and len(names) == len(types):
                return str(names[-2]), str(types[-2]).rpartition(".")[2]
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    if "/" in node.name:
        return _path(node.name), node.op_type
    if "." in weight:
        return weight.rpartition(".")[0], node.op_type
    return node.name or (node.output[0] if node.output else ""), node.op_type


def _path(name: str) -> str:
    """layer1.0.conv1 for /layer1/layer1.0/conv1/Conv: a name that goes on from the one before stands in its place."""
    parts: list[str] = []
    for part in name.strip("/").split("/")[:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts) or name.strip("/")
