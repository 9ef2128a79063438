"""torch and torchvision: there, fitting together, and with the device that was asked for."""

import importlib.util
import re
from typing import TYPE_CHECKING

from netsize.errors import BadEnvironment

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def require_torchvision() -> None:
    """Raise BadEnvironment if torch or torchvision is not installed. Imports neither."""
    for package in ("torch", "torchvision"):
        if importlib.util.find_spec(package) is None:
            raise BadEnvironment(f"{package} is not installed here. Install it: pip install torch torchvision")


def require_extra(package: str) -> None:
    """Raise BadEnvironment if a library that is an extra of netsize is not installed. Imports nothing."""
    if importlib.util.find_spec(package) is None:
        extra = "pip install torch torchvision" if package == "torchvision" else f"pip install 'netsize[{package}]'"
        raise BadEnvironment(f"{package} is not installed here. Install it: {extra}")


def import_torchvision() -> None:
    """Raise BadEnvironment if torchvision does not import, above all because it was built for another torch."""
    require_torchvision()
    try:
        import torchvision  # noqa: F401 - imported to see whether it can be
    except (ImportError, RuntimeError, OSError) as error:
        from importlib.metadata import version

        pair = f"torch {version('torch')} and torchvision {version('torchvision')}"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadEnvironment(
            f"{pair} do not fit together: {reason}\nInstall a matching pair: pip install --upgrade torch torchvision"
        ) from error


def choose_device(name: str) -> "torch.device":
    """cpu, cuda (or cuda:1), mps; auto is a GPU if there is one. Raises BadEnvironment."""
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    kind = name.partition(":")[0]
    if kind not in there:
        near = " Try: --device cuda" if name.lower() in ("gpu", "nvidia", "gpu:0") else ""
        raise BadEnvironment(f"there is no device {name!r}; there are {', '.join(DEVICES)}.{near}")
    if not there[kind]:
        raise BadEnvironment(f"--device {name}: this machine has none that torch {torch.__version__} can use")
    if not re.fullmatch(r"[a-z]+(:\d{1,4})?", name):
        raise BadEnvironment(f"--device {name}: expected a kind, or a kind and a number, as cuda:1")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BadEnvironment(f"--device {name}: this machine has {torch.cuda.device_count()} of them, counted from 0")
    return device
