"""Layers of quantized numbers, as torch's quantization makes them: their weights lie packed in an object, which is no
parameter to torch. Counted are the logical weights, under the name of the layer that executes them."""

from functools import partial
from itertools import product
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from netsize.lecture.formulas import Convolution, Formula, Linear, TransposedConvolution
from netsize.trace import ones
from netsize.trace.operations import Given, Operation, Packed, Weighted, reads

_ENDINGS = ("", "_relu", "_dynamic", "_relu_dynamic", "_dynamic_fp16", "_relu_dynamic_fp16", "_tanh", "_leaky_relu")
_LINEAR = [f"quantized.linear{ending}" for ending in _ENDINGS]
_CONVOLUTIONS = [f"quantized.conv{axes}d{ending}" for axes, ending in product((1, 2, 3), ("", "_relu", "_dynamic"))]
_TRANSPOSED = [f"quantized.conv_transpose{axes}d{ending}" for axes, ending in product((1, 2, 3), ("", "_dynamic"))]


def _unpacked(packed: Any) -> Packed:
    """Also where nothing else has values: these are there."""
    with _disable_current_modes():
        weight, bias = packed.unpack()
        return weight, bias


@reads(*_LINEAR)
def linear(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    input = given["X"]
    weight, bias = weighted.packed(_unpacked(given["W_prepack"]))
    run = partial(ones.product, torch.ops.aten.linear.default, (input, weight), None, weight.shape[1])
    return Operation(Linear(tuple(input.shape), weight.shape[0]), input, output, run, [weight], bias)


@reads(*_CONVOLUTIONS, *_TRANSPOSED)
def convolution(func: Any, given: Given, output: Any, weighted: Weighted) -> Operation:
    """In one dimension it is packed as one of two, of which the first has a length of 1."""
    input, packed = given["qx"], given["packed_weight" if "packed_weight" in given else "weight"]
    weight, bias = weighted.packed(_unpacked(packed))
    axes = input.dim() - 2
    kernel, stride, padding, dilation, extra = (
        tuple(sizes)[-axes:]
        for sizes in (weight.shape[2:], packed.stride(), packed.padding(), packed.dilation(), packed.output_padding())
    )
    shape, groups, transposed = tuple(input.shape), packed.groups(), bool(packed.transpose())
    formula: Formula
    if transposed:
        out = weight.shape[1] * groups
        formula = TransposedConvolution(shape, out, kernel, stride, padding, dilation, groups, extra)
    else:
        formula = Convolution(shape, weight.shape[0], kernel, stride, padding, dilation, groups)
    settings = (stride, dilation, transposed, groups)
    run = partial(ones.convolution, shape, (*weight.shape[:2], *kernel), padding, extra, settings, None, input.device)
    return Operation(formula, input, output, run, [weight], bias)
