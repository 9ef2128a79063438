"""A dispatch mode: what stands in its `__torch_dispatch__` is done with every operation that torch executes."""

from torch.utils._python_dispatch import TorchDispatchMode


class DispatchMode(TorchDispatchMode):
    """Torch's own, with which nothing is compiled."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch would import its compiler (a second) only to switch it off."""
        return False
