"""Text and formulas as TeX has them."""

import re

from netsize.render.printable import printable

ESCAPES = {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
           "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "·": r"$\cdot$", "<": r"$<$", ">": r"$>$",
           "[": "{[}", "]": "{]}",  # behind the end of a line they would be its argument
           "✓": r"$\surd$", "✗": r"$\times$", "…": r"\ldots{}", "◀": r"$\triangleleft$"}  # fmt: skip
LATIN = 0x17F  # the last letter that plain LaTeX prints
_TOKEN = re.compile(r"(?P<number>\d[\d,.]*)|(?P<word>[A-Za-z_]{2,}(?: [A-Za-z_]{2,})*)|(?P<other>.)", re.DOTALL)
_SIGNS = {"*": r"\cdot ", "x": r"\times ", "^": "^", "%": r"\%", "#": r"\#", "&": r"\&", "{": r"\{", "}": r"\}",
          "\\": r"\backslash ", "_": r"\_", "~": r"\sim ", "$": r"\$"}  # fmt: skip


def escaped(text: str) -> str:
    """Text with the characters that TeX takes for its own, and by their numbers those that it does not print."""
    return "".join(
        ESCAPES.get(character) or (character if ord(character) <= LATIN else f"[U+{ord(character):04X}]")
        for character in printable(text)
    )


def mathematics(text: str) -> str:
    """floor((size - K) / stride) + 1 as a formula: names upright, brackets of a floor, dots for products."""
    parts: list[str] = []
    open_floors: list[int] = []  # how deep in parentheses each of them was opened
    depth, words = 0, False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "floor":
            words = True
            continue
        if words and token == "(":
            open_floors.append(depth)
            depth, words = depth + 1, False
            parts.append(r"\left\lfloor ")
        elif token == "(":
            depth += 1
            parts.append("(")
        elif token == ")":
            depth -= 1
            closes = bool(open_floors) and open_floors[-1] == depth
            parts.append(r"\right\rfloor " if closes else ")")
            del open_floors[len(open_floors) - closes :]
        else:
            parts.append(_sign(match))
    return "".join(parts) + r"\right\rfloor " * len(open_floors)


def _sign(match: re.Match[str]) -> str:
    token = match[0]
    if match["number"]:
        return token.replace(",", "{,}")
    if match["word"]:
        return rf"\mathrm{{{escaped(token).replace(' ', '~')}}}"
    if token == " ":
        return r"\,"
    return _SIGNS.get(token) or (token if ord(token) < 128 else rf"\mbox{{{escaped(token)}}}")
