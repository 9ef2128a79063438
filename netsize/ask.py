"""A question about a named network, answered from memory or by running it."""

from collections.abc import Callable
from typing import Any

from netsize import cache, startup
from netsize.cache import Question
from netsize.count import count
from netsize.network import Network
from netsize.report import Options
from netsize.sources.settings import read_input

Say = Callable[[str], None]


def question(model: str, input: list[str] | None = None, settings: Any = None, **how: Any) -> Question:
    """Of what is written on the command line. Raises BadInput."""
    specs = tuple(str(read_input(text)) for text in input or [])
    return Question(model, specs, settings=tuple(sorted((settings or {}).items())), **how)


def ask(question: Question, say: Say, *, fresh: bool = False, keep_python: bool = False) -> Network:
    """The facts: remembered ones import neither torch nor torchvision. `fresh`: run it again. `keep_python`: a
    network from a Python file is remembered, too. Raises NetsizeError."""
    kept = keep_python or not question.is_python
    if kept and not fresh:
        say(f"looking for {question.model}")
        network = cache.recall(question)
        if network is not None:
            return network
    network = run(question, say)
    if kept:
        summary = summarize(network, question)
        if summary is not None:
            cache.remember(question, network, summary)
    return network


def run(question: Question, say: Say) -> Network:
    """Import torch, build the network, count it and (if asked) run it. Raises NetsizeError."""
    say("importing torch")
    with startup.imports():
        from netsize import analysis  # noqa: F401 - imported here, where an interrupt is safe
        from netsize.api import examine
        from netsize.sources import source_of
        from netsize.sources.environment import choose_device

        choose_device(question.device)
        source_of(question.model)
    return examine(
        question.model,
        list(question.input) or None,
        device=question.device,
        verify=question.verify,
        batch=question.batch,
        settings=dict(question.settings),
        fields=question.fields,
        classes=question.classes,
        until=question.until,
        limit=question.memory,
        say=say,
    )


def summarize(network: Network, question: Question) -> dict[str, Any] | None:
    """The totals by the homework's convention; None if a verification failed, which is never remembered."""
    report = count(network, options=Options(fields=bool(question.fields)))
    if report.verification.status == "failed":
        return None
    totals = report.totals
    return {
        "units": totals.units,
        "connections": totals.connections,
        "weights": totals.weights,
        "parameters": totals.parameters,
        "depth": report.depth,
        "input": [list(shape) for shape in report.input],
        "verified": report.verification.status,
        "device": report.verification.device,
        "complete": report.complete,
    }
