"""Many networks: counted in parallel, remembered as they come in."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from typing import Any

from netsize.errors import NetsizeError
from netsize.facts import cache
from netsize.facts.question import Question
from netsize.results.listing import Counted, summarize
from netsize.run import startup
from netsize.run.answer import ask


def count_all(
    questions: list[Question], families: dict[str, str], say: Callable[[str], None], fresh: bool
) -> list[Counted]:
    """In the order of the questions. What was remembered is not counted again."""
    found: dict[str, Counted] = {}
    for question in questions:
        totals = None if fresh else cache.recall_summary(question)
        if totals is not None:
            found[question.model] = Counted(question.model, families.get(question.model, ""), totals)
    left = [question for question in questions if question.model not in found]
    began = time.monotonic()
    for number, (model, totals, error) in enumerate(_work(left, say, fresh), start=1):
        found[model] = Counted(model, families.get(model, ""), totals, error)
        each = (time.monotonic() - began) / number
        say(f"{len(found)} of {len(questions)} networks; about {each * (len(left) - number):.0f} s left")
    return [found[question.model] for question in questions]


Result = tuple[str, dict[str, Any] | None, str | None]


def _work(questions: list[Question], say: Callable[[str], None], fresh: bool) -> Iterator[Result]:
    """One after the other, or, for many, in a process for each core."""
    if not questions:
        return
    say("importing torch")
    _import_torch()
    workers = min(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, len(questions)
    )
    if workers == 1 or any(question.device != "cpu" and _has_gpu() for question in questions):
        for question in questions:  # a GPU is one: processes would only fight for its memory
            yield _count(question, fresh)
        return
    # a forked process has torch imported already; where there is no fork, each imports it once
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        futures: list[Future[Result]] = [pool.submit(_count, question, fresh) for question in questions]
        try:
            for future in as_completed(futures):
                startup.check()
                yield future.result()
        except BrokenProcessPool as error:
            raise NetsizeError("a process that was counting was killed; there may be too little memory") from error
        except BaseException:  # an interrupt: what was done is remembered
            for child in active_children():
                child.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _import_torch() -> None:
    with startup.imports():
        from netsize.run import examination  # noqa: F401 - for all processes at once
        from netsize.sources.environment import import_torchvision

        import_torchvision()


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _one_thread() -> None:
    """Networks side by side need no threads inside."""
    import signal

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children
    torch.set_num_threads(1)


def _count(question: Question, fresh: bool) -> Result:
    try:
        network = ask(question, lambda _: None, fresh=fresh)
    except NetsizeError as error:
        return question.model, None, str(error).partition("\n")[0]
    totals = summarize(network, bool(question.fields))
    return question.model, totals, None if totals else "verification failed: see netsize " + question.model
