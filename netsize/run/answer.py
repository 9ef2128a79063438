"""A question about a named network, answered from memory or by running it. What may be remembered is decided here: not
what failed its verification, and a network from a Python file only if it is asked for."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from netsize.facts import cache
from netsize.facts.network import Network
from netsize.facts.question import Question
from netsize.results.listing import summarize
from netsize.run import startup
from netsize.sources import Recognised, recognise
from netsize.sources.settings import Settings, read_input

Say = Callable[[str], None]


def question(model: str, input: list[str] | None = None, settings: Settings | None = None, **how: Any) -> Question:
    """Of what is written on the command line. Raises UnknownModel, BadModel, BadEnvironment, BadInput."""
    settings, found = settings or Settings(), recognise(model)
    return Question(
        found.model,
        tuple(str(read_input(text)) for text in input or []),
        settings=tuple(sorted(settings.arguments.items())),
        task=settings.task,
        tokens=settings.tokens,
        image=settings.image,
        own_files=found.source == "python",
        packages=found.packages,
        content=_content(found),
        **how,
    )


def _content(found: Recognised) -> str:
    """A digest of the file; and, of a graph, sizes and times of those beside it, in which its weights may lie."""
    if found.file is None:
        return ""
    beside: list[tuple[str, int, int]] = []
    if found.source == "graph":
        with suppress(OSError):
            for file in sorted(found.file.parent.iterdir()):
                if file.is_file() and file != found.file:
                    beside.append((file.name, file.stat().st_size, file.stat().st_mtime_ns))
    return f"{cache.file_digest(found.file)} {beside or ''}"


def ask(question: Question, say: Say, *, fresh: bool = False, keep_python: bool = False) -> Network:
    """The facts: remembered ones import neither torch nor torchvision. `fresh`: run it again. `keep_python`: a
    network from a Python file is remembered, too. One whose verification failed never is. Raises NetsizeError."""
    kept = keep_python or not question.own_files
    if kept and not fresh:
        say(f"looking for {question.model}")
        network = cache.recall(question)
        if network is not None:
            return network
    network = run(question, say)
    if kept:
        summary = summarize(network, bool(question.fields))
        if summary is not None:  # its verification did not fail
            cache.remember(question, network, summary)
    return network


def run(question: Question, say: Say) -> Network:
    """Import torch, build the network, count it and (if asked) run it; a graph without torch. Raises NetsizeError."""
    settings = Settings(question.settings, question.task, question.tokens, question.image)
    if recognise(question.model).source == "graph":
        from netsize.graphs.examination import examine as examine_graph

        return examine_graph(
            question.model,
            [read_input(text) for text in question.input],
            settings,
            device=question.device,
            verify=question.verify,
            batch=question.batch,
            fields=question.fields,
            changes=bool(question.classes or question.until),
            say=say,
        )
    say("importing torch")
    with startup.imports():
        from netsize.run.examination import examine
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
        settings=settings,
        fields=question.fields,
        classes=question.classes,
        until=question.until,
        limit=question.memory,
        say=say,
    )
