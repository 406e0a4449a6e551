"""The documents as tests read them: their headings, links, tables and blocks, without anything that renders them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["ROOT", "Block", "Page", "every_page", "page", "unlike"]

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"(?<!`)`(?P<text>[^`\n]+)`(?!`)")
_WHATEVER = "…"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the comment right before it, and what is in it."""

    language: str
    mark: str
    body: str


@dataclass(frozen=True)
class Page:
    """One document."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the root of the project."""
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        """Its fenced blocks, in their order."""
        return [Block(found["language"], found["mark"] or "", found["body"]) for found in _FENCE.finditer(self.text)]

    @cached_property
    def prose(self) -> str:
        """Its text without fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def anchors(self) -> list[str]:
        """What its headings can be linked by, as the common renderers make it."""
        return [
            re.sub(r"[^\w\- ]", "", found["text"].lower()).replace(" ", "-") for found in _HEADING.finditer(self.prose)
        ]

    @property
    def links(self) -> list[str]:
        """Where its links lead."""
        return [found["target"] for found in _LINK.finditer(self.prose)]

    @property
    def code(self) -> list[str]:
        """What stands in backticks."""
        return [found["text"] for found in _CODE.finditer(self.prose)]

    def marked(self, beginning: str) -> list[Block]:
        """Blocks whose comment begins so."""
        return [block for block in self.blocks if block.mark.startswith(beginning)]

    def section(self, heading: str) -> str:
        """The text below a heading, up to the next one of the same or a higher level."""
        # Comments in blocks look like headings; hidden, they leave every other place where it is.
        hidden = _FENCE.sub(lambda found: found[0].replace("#", "."), self.text)
        opening = re.search(rf"^(#+) {re.escape(heading)}$", hidden, re.MULTILINE)
        assert opening, f"{self.name} has no section {heading!r}"
        following = re.compile(rf"^#{{1,{len(opening[1])}}} ", re.MULTILINE).search(hidden, opening.end())
        return self.text[opening.end() : following.start() if following else len(self.text)]

    def table(self, title: str) -> dict[str, list[str]]:
        """The rows of the table whose first column has this title: first cell without backticks, to the other cells."""
        lines = iter(self.text.splitlines())
        assert any(line.startswith(f"| {title} |") for line in lines), f"{self.name} has no table {title!r}"
        rows = itertools.takewhile(lambda line: line.startswith("|"), itertools.islice(lines, 1, None))
        cells = ([cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows)
        return {first.strip("`"): rest for first, *rest in cells}


def page(name: str) -> Page:
    """One document by its path."""
    return Page(ROOT / name)


def every_page() -> list[Page]:
    """All documents of the project."""
    tops = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [Page(path) for path in (*tops, *sorted((ROOT / "docs").rglob("*.md")))]


def unlike(shown: str, found: str) -> str | None:
    """The first line of a shown output that an output does not have in its place; … stands for whatever.

    A line that is … alone stands for any number of lines, and any number of blanks for any other.
    """
    pattern = ""
    for line in shown.strip("\n").split("\n"):
        if line == _WHATEVER:
            pattern += r"(?:[^\n]*\n)*?"
            continue
        words = (r".*?".join(map(re.escape, word.split(_WHATEVER))) for word in re.split(r" +", line))
        pattern += " +".join(words) + r"\n"
        if not re.match(pattern, found + "\n"):
            return line
    return None if re.fullmatch(pattern, found.rstrip("\n") + "\n") else "(the end)"
