"""Calling what builds a network, without its initialisers, its warnings and its prints."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

from netsize.errors import BadModel, NetsizeError, describe
from netsize.sources.initialisers import SkipInitialisers

TALKATIVE = ("torch", "torchvision", "timm", "transformers", "diffusers", "torchao", "huggingface_hub")


def build(
    model: str,
    factory: Callable[..., Any],
    settings: Mapping[str, Any],
    own: Mapping[str, Any] | None = None,
    initialised: bool = False,
) -> tuple[Any, list[torch.Tensor]]:
    """What the factory returns, and its parameters that hold no values yet (`initialised`: all have). `own` are
    arguments that the user did not ask for and may override. Raises BadModel."""
    skip = SkipInitialisers()
    try:
        with quiet(), contextlib.nullcontext() if initialised else skip:
            built = factory(**{**(own or {}), **settings})
    except NetsizeError:
        raise
    except (Exception, SystemExit) as error:
        given = ", ".join(f"{key}={value!r}" for key, value in settings.items())
        raise BadModel(f"{model}({given}) cannot be built: {describe(error)}") from error
    return built, skip.blank


@contextlib.contextmanager
def quiet() -> Any:
    """Warnings and log lines are the libraries' own; what a network prints must not mix with the report on stdout."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr), _without_log():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def library() -> Any:
    """Around the import of one, which may say a lot about what else is installed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with quiet():
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _without_log() -> Any:
    """Those that are there are switched off; those that are made inside take their level from the library's first.
    (Setting a level properly makes each logger forget what it is enabled for: 2 ms for all of them.)"""
    known = logging.root.manager.loggerDict
    first = {logger: logger.level for logger in map(logging.getLogger, TALKATIVE)}
    heard = [
        logger
        for name, logger in known.items()
        if name.partition(".")[0] in TALKATIVE and isinstance(logger, logging.Logger) and not logger.disabled
    ]
    there = len(known)
    for logger in heard:
        logger.disabled = True
    for logger in first:
        logger.level = logging.CRITICAL + 1
    try:
        yield
    finally:
        for logger, level in first.items():
            logger.level = level
        if len(known) > there:  # they forget
            logging.root.setLevel(logging.root.level)
        for logger in heard:
            logger.disabled = False
