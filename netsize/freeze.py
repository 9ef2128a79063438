"""Which parameters `--freeze` leaves out of training."""

from fnmatch import fnmatchcase

from netsize.errors import BadOption, did_you_mean
from netsize.network import Network


def frozen(network: Network, patterns: tuple[str, ...]) -> frozenset[str]:
    """Names of the parameters that a pattern matches: a parameter, or a module with all that is in it, by name
    (features) or with wildcards (layer[123]). A layer that `--classes` has put in is never frozen. Raises BadOption."""
    names = [name for name, _ in network.parameters]
    found: set[str] = set()
    for pattern in patterns:
        matching = {name for name in names if any(fnmatchcase(part, pattern) for part in _and_above(name))}
        if not matching:
            modules = sorted({part for name in names for part in _and_above(name)})
            raise BadOption(f"--freeze {pattern}: no parameter or module matches.{did_you_mean(pattern, modules)}")
        found |= matching
    new = f"{network.replaced}."
    return frozenset(name for name in found if not (network.replaced and name.startswith(new)))


def _and_above(name: str) -> list[str]:
    """features.0.weight, features.0, features"""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
