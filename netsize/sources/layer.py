"""A single layer as a network, from its formula: what `netsize explain conv --verify` runs."""

from collections.abc import Callable
from typing import Any

from torch import nn

from netsize.facts.network import Source
from netsize.lecture.formulas import Convolution, Formula, Linear, Pooling, TransposedConvolution
from netsize.sources.built import Built
from netsize.sources.factory import build as build_model
from netsize.sources.settings import InputSpec


def build(formula: Formula) -> Built:
    """torch's own module for a formula of the calculator."""
    module, blank = build_model(formula.label, lambda: _module(formula), {})
    return Built(module, Source("layer", formula.label, formula.label), (InputSpec(_shape(formula)[1:]),), blank=blank)


def _shape(formula: Formula) -> tuple[int, ...]:
    assert isinstance(formula, (Convolution, TransposedConvolution, Linear, Pooling))
    return formula.input


def _module(formula: Formula) -> nn.Module:
    if isinstance(formula, Linear):
        return nn.Linear(formula.input[-1], formula.out_features)
    if isinstance(formula, Pooling):
        return _of("MaxPool", formula.kernel)(
            formula.kernel, formula.stride, formula.padding, formula.dilation, ceil_mode=formula.ceil
        )
    assert isinstance(formula, (Convolution, TransposedConvolution))
    channels = (formula.input[1], formula.out_channels, formula.kernel, formula.stride)
    settings: dict[str, Any] = {"dilation": formula.dilation, "groups": formula.groups, "padding": formula.padding}
    if isinstance(formula, TransposedConvolution):
        return _of("ConvTranspose", formula.kernel)(*channels, output_padding=formula.output_padding, **settings)
    if formula.after:
        settings["padding"] = "same"
    return _of("Conv", formula.kernel)(*channels, **settings)


def _of(name: str, kernel: tuple[int, ...]) -> Callable[..., nn.Module]:
    """Conv2d for a kernel of two axes."""
    module: Callable[..., nn.Module] = getattr(nn, f"{name}{len(kernel)}d")
    return module
