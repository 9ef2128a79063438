"""Names of torchvision's models, read from its source files: importing it takes seconds, this does not."""

import importlib.util
import re
from functools import cache
from pathlib import Path

_REGISTERED = re.compile(r'^@register_model\((?:name="(\w+)")?\)$.*?^def (\w+)', re.MULTILINE | re.DOTALL)


@cache
def torchvision_models() -> dict[str, str]:
    """Every model's name with its family (alexnet, detection, quantization ...), sorted by name. Empty if
    torchvision is not installed."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return {}
    models = Path(spec.origin).parent / "models"
    found = {}
    for file in models.rglob("*.py"):
        family = file.parent.name if file.parent != models else file.stem
        for given, function in _REGISTERED.findall(file.read_text(encoding="utf-8")):
            found[given or function] = family
    return dict(sorted(found.items()))
