"""Where in its text a routing document has its faults: line and column, counted from 1 as editors do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import yaml

from penstock.errors import RoutingDocumentError
from penstock.routing.checks import checked
from penstock.routing.document import DEFAULT_PREFIX
from penstock.routing.faults import Fault
from penstock.routing.reading import MERGE, composed, each_of, plain_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.routing.document import RoutingDocument
    from penstock.routing.faults import Place

__all__ = ["Examined", "Located", "Position", "examine", "locate", "position", "with_version"]

_ABOUT_KEYS = ("unknown key", "is missing")


class Position(NamedTuple):
    """A place in a text; both numbers count from 1."""

    line: int
    column: int


class Located(NamedTuple):
    """A fault and where in the text it is, as far as that can be told."""

    fault: Fault
    at: Position | None

    def __str__(self) -> str:
        where = "" if self.at is None else f"{self.at.line}:{self.at.column}: "
        return f"{where}{self.fault}"

    def in_file(self, name: str) -> str:
        """Return the fault as editors know it: file, line, column, and what is wrong."""
        return f"{name}:{'' if self.at else ' '}{self}"


class Examined(NamedTuple):
    """What is to be known about a document's text: the document, where it is sound, and all faults, from the top."""

    document: RoutingDocument | None
    faults: tuple[Located, ...]


def examine(source: bytes | str, prefix: str = DEFAULT_PREFIX) -> Examined:
    """Read a routing document's text and find every fault with its position; never raises for what stands there."""
    try:
        data = plain_data(source)
    except RoutingDocumentError as error:
        return Examined(None, tuple(_unread(source, error)))
    document, faults = checked(data, prefix)
    node = composed(_text(source)) if faults else None
    located = [locate(node, fault) for fault in faults]
    located.sort(key=lambda each: each.at or Position(0, 0))
    return Examined(None if faults else document, tuple(located))


def locate(node: yaml.Node | None, fault: Fault) -> Located:
    """Find a fault's place below the node of its whole text."""
    return Located(fault, position(node, fault.place, key=fault.message.startswith(_ABOUT_KEYS)))


def position(node: yaml.Node | None, place: Place, *, key: bool = False) -> Position | None:
    """Return where a place stands below a node; where it is missing, the nearest part above that is there.

    Args:
        node: of the whole text.
        place: the way down, by keys and numbers.
        key: whether it is the key that matters, even where the value is short.
    """
    if node is None:
        return None
    at: yaml.Node = node
    for part in place:
        found = _below(node, part)
        if found is None:
            break
        name, node = found
        at = name if name is not None and (key or not isinstance(node, yaml.ScalarNode)) else node
    return _after(at.start_mark)


def with_version(text: str, version: int) -> str:
    """Return a sound document's text with another version, all else as it was, comments too."""
    node = composed(text)
    found = None if node is None else _below(node, "version")
    if found is None or not isinstance(found[1], yaml.ScalarNode):
        raise RoutingDocumentError(("version: stands in no place of its own; write it as a plain number",))
    start, end = (_index(text, mark) for mark in (found[1].start_mark, found[1].end_mark))
    return f"{text[:start]}{version}{text[end:]}"


def _index(text: str, mark: yaml.Mark) -> int:
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: mark.line])) + mark.column


def _below(node: yaml.Node, part: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    """Find a key's node and its value's, or an item of a list, which has no key."""
    if isinstance(node, yaml.SequenceNode):
        return (None, node.value[part]) if isinstance(part, int) and part < len(node.value) else None
    for mapping in _with_merged(node):
        for name, value in mapping.value if isinstance(mapping, yaml.MappingNode) else ():
            if isinstance(name, yaml.ScalarNode) and name.value == str(part):
                return name, value
    return None


def _with_merged(node: yaml.Node) -> Iterator[yaml.Node]:
    """Return a node and all that it merges in, nearest first; each once, however often aliases name it."""
    todo, seen = [node], set[int]()
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            merged = [value for name, value in node.value if name.tag == MERGE]
            todo.extend(reversed(list(each_of(merged))))


def _unread(source: bytes | str, error: RoutingDocumentError) -> Iterator[Located]:
    """Find where a text stops being YAML or JSON."""
    text = source if isinstance(source, str) else source.decode("utf-8-sig", "replace")
    twice = _twice(composed(text))
    if twice is not None:
        place, at = twice
        yield Located(Fault(place, "this key stands twice; keep one of the two"), _after(at))
        return
    cause = error.__cause__ or error.__context__
    mark = getattr(cause, "problem_mark", None) or getattr(cause, "context_mark", None)
    if isinstance(cause, yaml.MarkedYAMLError) and mark is not None:
        said = ", ".join(filter(None, (cause.context, cause.problem)))
        yield Located(Fault((), f"is not YAML: {said}"), _after(mark))
        return
    yield from (Located(Fault((), text.removeprefix("the document ")), None) for text in error.faults)


def _after(mark: yaml.Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _twice(node: yaml.Node | None) -> tuple[Place, yaml.Mark] | None:
    """Find a key that stands in its mapping already, which JSON does not tell the place of."""
    todo: list[tuple[yaml.Node | None, Place]] = [(node, ())]
    looked_at: set[int] = set()  # aliases repeat parts, and may lead back to where they stand
    while todo:
        node, place = todo.pop()
        if id(node) in looked_at:
            continue
        looked_at.add(id(node))
        pairs: list[tuple[str | int, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            seen: set[tuple[str, str]] = set()
            for name, value in node.value:
                if not isinstance(name, yaml.ScalarNode):
                    continue
                if (name.tag, name.value) in seen:
                    return (*place, name.value), name.start_mark
                seen.add((name.tag, name.value))
                pairs.append((name.value, value))
        elif isinstance(node, yaml.SequenceNode):
            pairs.extend(enumerate(node.value))
        todo.extend((value, (*place, part)) for part, value in reversed(pairs))
    return None


def _text(source: bytes | str) -> str:
    return source if isinstance(source, str) else source.decode("utf-8-sig")
