"""Words, broken between them where the line ends."""

import textwrap


def wrapped(text: str, width: int | None, first: str, margin: str) -> list[str]:
    if width is None:
        return [first + text]
    return textwrap.wrap(text, max(width, len(margin) + 20), initial_indent=first, subsequent_indent=margin,
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip
