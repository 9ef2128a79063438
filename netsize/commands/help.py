"""netsize help: the manual, a chapter of it, or what stands in it about some words; and the options of a command."""

from typing import Annotated, Any

import typer

from netsize import errors, manual
from netsize.commands.terminal import read_out
from netsize.errors import BadOption, did_you_mean
from netsize.sources import COMMANDS


def help(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC]...", help="A chapter, a command, or words.")
    ] = None,
) -> int:
    """Read the manual: its chapters; one of them (`netsize help training`); a command's options (`netsize help check`);
    or the place where something is told (`netsize help kv cache`)."""
    asked = " ".join(words or []).lower()
    if not asked:
        read_out(_contents())
    elif asked in manual.CHAPTERS:
        read_out(manual.read(asked))
    elif asked in COMMANDS and context.parent:
        group: Any = context.parent.command  # of all commands: this one is in no other
        group.get_command(context, asked).make_context(asked, ["--help"], parent=context.parent)
    else:
        read_out(_found(asked))
    return errors.COUNTED


def _contents() -> str:
    width = max(map(len, manual.CHAPTERS))
    lines = [f"{chapter.ljust(width)}  {manual.title(chapter)}" for chapter in manual.CHAPTERS]
    return "\n".join([
        "# The manual", "", "```text", *lines, "```", "",
        "`netsize help TOPIC` shows a chapter, `netsize help COMMAND` the options of a command, and other words are "
        "looked up in all of it.",
    ])  # fmt: skip


def _found(asked: str) -> str:
    found = manual.search(asked.split())
    if not found:
        near = did_you_mean(asked, [*manual.CHAPTERS, *COMMANDS])
        raise BadOption(f"the manual says nothing about {asked!r}.{near or ' `netsize help` shows its chapters'}")
    first, *others = found
    more = [f"- {section.heading}: `netsize help {section.chapter}`" for section in others[:4]]
    return "\n".join([
        first.text, "", f"(From `netsize help {first.chapter}`.)", *(["", "Also told in:", "", *more] if more else []),
    ])  # fmt: skip
