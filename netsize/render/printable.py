"""Texts that come from anybody's network, for formats that are drawn."""

import re

# what controls a terminal, changes the direction of the text around it, or is no character (a lone surrogate)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


def printable(text: str) -> str:
    """With what cannot be seen, or turns the text around it, written out."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
