"""The manual: a chapter in each Markdown file here, first its title. It is read on a page that shows Markdown, or by
`netsize help TOPIC`. It may import nothing of netsize.

A chapter is added in a file, which CHAPTERS names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from pathlib import Path

CHAPTERS = (
    "installing", "using", "counting", "verification", "sources", "pictures", "lecture", "training", "ci", "python",
    "json", "large", "trust", "tools", "house", "reference",
)  # fmt: skip
SMALL = {  # words that a question has, and that say nothing of what it is about
    "a", "an", "and", "are", "can", "do", "does", "for", "from", "how", "i", "in", "is", "it", "its", "my", "no", "not",
    "of", "on", "only", "or", "the", "to", "what", "where", "why", "with",
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A part of a chapter: its heading, and what stands below it, up to the next one."""

    chapter: str
    heading: str
    text: str

    def rank(self, words: Sequence[str]) -> float:
        """How well it answers: whole words before parts of words, what stands in a heading before what stands below;
        all that was asked before some of it."""
        found = [self._rank(word) * rarity(word) for word in words]
        found = [rank / 4 for rank in found] if self.chapter == "reference" else found  # it names all, and tells little
        return sum(found) * sum(map(bool, found)) / len(words) ** 2

    def _rank(self, word: str) -> float:
        whole = re.compile(rf"\b{re.escape(_stem(word))}(s|es|ies|y|e|ed|ing)?\b", re.IGNORECASE)
        if not whole.search(self.text):
            whole = re.compile(rf"\b{re.escape(_stem(word))}", re.IGNORECASE)
        above, below = len(whole.findall(self.heading)), len(whole.findall(self.text))
        chapter = bool(whole.search(f"{self.chapter} {title(self.chapter)}"))
        return 6 * chapter + 10 * bool(above) + (1 + min(below, 5)) * bool(below) * 60 / (60 + len(self.text.split()))


def read(chapter: str) -> str:
    """Its Markdown."""
    return (Path(__file__).parent / f"{chapter}.md").read_text(encoding="utf-8")


@cache
def title(chapter: str) -> str:
    return read(chapter).partition("\n")[0].removeprefix("# ")


@cache
def sections() -> tuple[Section, ...]:
    """All of the manual. A line in a fence is no heading."""
    found: list[Section] = []
    for chapter in CHAPTERS:
        heading, lines, fenced = "", [""], False
        for line in read(chapter).splitlines():
            fenced ^= line.startswith("```")
            if line.startswith("#") and not fenced:
                found.append(Section(chapter, heading, "\n".join(lines).strip()))
                heading, lines = line.lstrip("# "), [line]
            else:
                lines.append(line)
        found.append(Section(chapter, heading, "\n".join(lines).strip()))
    return tuple(section for section in found if section.heading)


def _stem(word: str) -> str:
    """What its forms have in common: biases, installing, counted."""
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.lower().endswith(ending) and len(word) > len(ending) + 3:
            return word[: -len(ending)]
    return word


@cache
def rarity(word: str) -> float:
    """A word that stands everywhere tells little of what is asked."""
    found = re.compile(rf"\b{re.escape(_stem(word))}", re.IGNORECASE)
    there = sum(bool(found.search(section.text)) for section in sections())
    return log(1 + len(sections()) / (1 + there))


def search(words: Sequence[str]) -> list[Section]:
    """Those in which one of the words stands, the best first."""
    words = [word.lstrip("-") for word in words if word.lower() not in SMALL and word.strip("-")] or words
    ranked = sorted(sections(), key=lambda section: -section.rank(words))
    return [section for section in ranked if section.rank(words)]
