"""Which parameters and modules a pattern means: those that `--freeze` leaves out of training, say."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from netsize.errors import BadOption, did_you_mean


def frozen(
    parameters: Iterable[str], patterns: Iterable[str], replaced: str = "", aliases: Mapping[str, str] | None = None
) -> frozenset[str]:
    """Names of the parameters that a pattern matches: a parameter, or a module with all that is in it, by name
    (features) or with wildcards (layer[123]). `aliases`: other names that parameters have (those of tied weights). A
    layer that `--classes` has put in (`replaced`) is never frozen. Raises BadOption."""
    names = {name: name for name in parameters} | dict(aliases or {})
    found: set[str] = set()
    for pattern in patterns:
        matching = {own for name, own in names.items() if any(fnmatchcase(part, pattern) for part in _and_above(name))}
        if not matching:
            modules = sorted({part for name in names for part in _and_above(name)})
            raise BadOption(f"--freeze {pattern}: no parameter or module matches.{did_you_mean(pattern, modules)}")
        found |= matching
    return frozenset(name for name in found if not (replaced and name.startswith(f"{replaced}.")))


def frozen_elsewhere(patterns: Iterable[str], aliases: Mapping[str, str]) -> list[str]:
    """Where a pattern freezes more than it names: head.weight, if it is the embedding's weight, too."""

    def named(name: str) -> bool:
        return any(fnmatchcase(part, pattern) for pattern in patterns for part in _and_above(name))

    pairs = [(first, other) if named(first) else (other, first) for other, first in aliases.items()]
    return [f"{own} is frozen, and {elsewhere} with it: they are one parameter" for own, elsewhere in pairs
            if named(own) and not named(elsewhere)]  # fmt: skip


def matching_modules(paths: Iterable[str], patterns: Iterable[str], option: str) -> tuple[str, ...]:
    """Paths of the modules that a pattern matches, without those inside of another one. Raises BadOption."""
    known = [path for path in paths if path]
    found: list[str] = []
    for pattern in patterns:
        matching = [path for path in known if fnmatchcase(path, pattern)]
        if not matching:
            raise BadOption(f"{option} {pattern}: no module matches.{did_you_mean(pattern, known)}")
        found += matching
    return tuple(path for path in known if path in found and not set(_and_above(path)[1:]) & set(found))


def _and_above(name: str) -> list[str]:
    """features.0.weight, features.0, features"""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
