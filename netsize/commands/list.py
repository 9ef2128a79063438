"""netsize list: the models that are known by name, or all of them counted."""

from fnmatch import fnmatch
from typing import Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.commands.output import Output
from netsize.errors import BadOption, NetsizeError
from netsize.results.listing import Listing
from netsize.results.report import QUANTITIES
from netsize.run.answer import question
from netsize.sources import complete_model, families, families_of, is_pattern, known_models, library_of
from netsize.sources.environment import require_extra, require_torchvision

SORTS = (*QUANTITIES, "parameters", "depth", "name")


def list_models(
    pattern: Annotated[
        str, typer.Argument(help="Part of a name, or with * and ?.", autocompletion=complete_model)
    ] = "",
    *,
    counts: Annotated[bool, typer.Option("--counts", help="With units, connections and weights, in parallel.")] = False,
    family: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="resnet, detection, ...; classification: without other tasks.")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            metavar="QUANTITY", help=f"With --counts: {', '.join(SORTS)}.", autocompletion=options.one_of(*SORTS)
        ),
    ] = "name",
    max_weights: Annotated[
        str | None, typer.Option(metavar="N", help="With --counts: only networks of at most so many, as 5M.")
    ] = None,
    device: options.Device = "auto",
    verify: options.Verify = True,
    fresh: options.Fresh = False,
    delivery: options.Delivery,
) -> int:
    """List the models that are known by name, by family; or (--counts) with their sizes."""
    require_torchvision()
    names = _matching(pattern, family)
    if counts:
        return _list_counts(names, families(pattern), sort, max_weights, device, verify, fresh, delivery.checked())
    if any((max_weights, fresh, delivery != options.Delivery(), sort != "name")):
        raise BadOption("--sort, --max-weights, --fresh, --format, --json and -o belong to list --counts")
    known = families(pattern)
    grouped: dict[str, list[str]] = {}
    for name in names:
        grouped.setdefault(known[name], []).append(name)
    terminal.write(terminal.families(grouped), None)
    return errors.COUNTED


def _matching(pattern: str, family: str | None) -> list[str]:
    """Names that match both. Raises NetsizeError if there are none."""
    known = families(pattern)
    library, colon, part = pattern.partition(":") if library_of(pattern) else ("", "", pattern)
    if library:
        require_extra(library)
    glob = pattern if is_pattern(pattern) else f"{library}{colon}*{part}*"
    names = [name for name in known if fnmatch(name, glob)]
    if not names:
        raise NetsizeError(f"no model matches {pattern!r}.{errors.did_you_mean(pattern, known_models(pattern))}")
    if family is None:
        return names
    inside = families_of(family, pattern)
    if not inside:
        near = errors.did_you_mean(family, sorted({*known.values(), "classification"}))
        raise BadOption(f"--family {family}: there is no such family.{near}")
    both = [name for name in names if name in inside]
    if not both:
        raise BadOption(f"--family {family}: none of its models matches {pattern!r}")
    return both


def _list_counts(
    names: list[str],
    known: dict[str, str],
    sort: str,
    max_weights: str | None,
    device: str,
    verify: bool,
    fresh: bool,
    output: Output,
) -> int:
    from netsize.run.many_networks import count_all

    if sort not in SORTS:
        raise BadOption(f"--sort {sort}: there are {', '.join(SORTS)}.{errors.did_you_mean(sort, list(SORTS))}")
    options.check_device(device)
    limit = options.read_amount("--max-weights", max_weights) if max_weights else None
    questions = [question(name, device=device, verify=verify) for name in names]
    with terminal.progress() as say:
        found = count_all(questions, known, say, fresh)
    failed = [counted for counted in found if counted.totals is None]
    kept = [
        counted for counted in found if counted.totals is None or limit is None or counted.totals["weights"] <= limit
    ]
    if sort != "name":
        kept.sort(key=lambda counted: -(counted.totals or {}).get(sort, -1))
    notes = [f"{len(found) - len(kept)} networks have more weights"] if len(kept) < len(found) else []
    verified = sum((counted.totals or {}).get("verified") == "passed" for counted in kept)
    notes.append(
        f"{verified} of {len(kept)} networks verified by running them" if verify else "not verified: --no-verify"
    )
    output.deliver(Listing(tuple(kept), tuple(notes)))
    return errors.FAILED if failed else errors.COUNTED
