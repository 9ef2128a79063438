"""Which tensors are weights, and whose: what readers of operations ask (`netsize.trace.operations.Weighted`)."""

from collections import Counter

import torch

from netsize.sources.wrappers import bytes_of
from netsize.trace.layers import Layers
from netsize.trace.operations import Packed
from netsize.trace.origins import Origins


class OfTheNetwork:
    """`path`: the module that is being called. `sizes`, `stored`: elements of all parameters, and bytes by their types,
    by name."""

    def __init__(
        self, layers: Layers, origins: Origins, sizes: dict[str, int], stored: dict[str, Counter[str]], path: str
    ) -> None:
        self._layers, self._origins, self._sizes, self._stored, self._path = layers, origins, sizes, stored, path

    def __call__(self, tensor: torch.Tensor) -> bool:
        return self._origins.is_weight(tensor)

    def owned(self, tensor: torch.Tensor) -> bool:
        origin = self._origins.of(tensor)
        return origin is not None and self._layers.owns(self._path, origin)

    def packed(self, parts: Packed) -> Packed:
        for part, tensor in zip(("weight", "bias"), parts):
            if tensor is not None:
                name = self._layers.adopt(self._path, part)
                self._sizes[name], self._stored[name] = tensor.numel(), bytes_of(tensor)
                self._origins.add({name: tensor})
                self._origins.touch([tensor])
        return parts

    def unpacked(self, tensor: torch.Tensor, elements: int) -> torch.Tensor:
        """Of a parameter that is made of several tensors, and has as many elements; of one that counts what it is
        packed into, which is told its logical number; or of what is no parameter to torch."""
        weight = torch.empty(elements, device="meta")
        origin = self._origins.of(tensor)
        if origin is None or not origin.sources:
            self.packed((weight, None))
            self._stored[self._layers.adopt(self._path, "weight")] = bytes_of(tensor)
            return weight
        if origin.direct and self._sizes[origin.parameters[0]] == tensor.numel():
            self._sizes[origin.parameters[0]] = elements
            self._origins.add({origin.parameters[0]: weight})
        else:
            self._origins.stands_for(weight, tensor)
        return weight
