"""Which tensors are weights, and whose: what readers of operations ask (`netsize.trace.operations.Weighted`)."""

import torch

from netsize.trace.layers import Layers
from netsize.trace.operations import Packed
from netsize.trace.origins import Origins


class OfTheNetwork:
    """`path`: the module that is being called. `sizes`: elements of all parameters, by name."""

    def __init__(self, layers: Layers, origins: Origins, sizes: dict[str, int], path: str) -> None:
        self._layers, self._origins, self._sizes, self._path = layers, origins, sizes, path

    def __call__(self, tensor: torch.Tensor) -> bool:
        return self._origins.is_weight(tensor)

    def owned(self, tensor: torch.Tensor) -> bool:
        origin = self._origins.of(tensor)
        return origin is not None and self._layers.owns(self._path, origin)

    def packed(self, parts: Packed) -> Packed:
        for part, tensor in zip(("weight", "bias"), parts):
            if tensor is not None:
                name = self._layers.adopt(self._path, part)
                self._sizes[name] = tensor.numel()
                self._origins.add({name: tensor})
                self._origins.touch([tensor])
        return parts
