"""From a routing document's text to plain data, whatever the text is: YAML, JSON, or nothing of the kind.

Anybody who can write to the control topic can write anything there, so no text may crash a reader or keep it busy.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from penstock.errors import RoutingDocumentError
from penstock.garbage import uncollected

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

__all__ = ["MERGE", "composed", "each_of", "plain_data"]

MERGE = "tag:yaml.org,2002:merge"
"""What a key ``<<`` is."""

# Ten thousand routes have some hundred thousand parts; a few lines of aliases to aliases can have a billion.
_MOST_PARTS = 5_000_000
# Merges of merges as well: of ten thousand routes each may merge in all keys that a route can have, and more.
_MOST_MERGED = 1_000_000
# No document is a tenth as deep, and what walks through one need not fear for its stack.
_DEEPEST = 100
# Half of a character beyond the first 65,536, as JSON escapes it and YAML does not.
_HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


@uncollected()
def plain_data(text: str | bytes) -> object:
    """Read YAML or JSON (which is tried first where the text begins like it).

    Raises:
        RoutingDocumentError: the text is neither, a key stands twice, or it is not worth the work.
    """
    try:
        read = text if isinstance(text, str) else text.decode("utf-8-sig")
        return _json(read) if read.lstrip().startswith("{") else _yaml(read)
    except UnicodeError as error:
        _refuse(f"is not text in UTF-8: {error}")
    except yaml.YAMLError as error:
        _refuse(f"is not YAML: {' '.join(str(error).split())}")
    except RecursionError:
        _refuse(f"is nested too deep: at most {_DEEPEST} levels are read")
    except ValueError as error:
        digits = "a whole number has thousands of digits" if "digits" in str(error) else error
        _refuse(f"cannot be read: {digits}")


@uncollected()
def composed(text: str) -> yaml.Node | None:
    """Return the nodes of a text, which know their lines and columns; None where there are none to be had.

    JSON is read as the YAML that it nearly is: its tabs and halves of characters are replaced, length by length.
    """
    if text.lstrip().startswith("{"):
        text = _HALF.sub(r"\\u0020", text.replace("\t", " "))
    try:
        node: yaml.Node | None = yaml.compose(text, _Loader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return node


def _refuse(finding: str) -> NoReturn:
    raise RoutingDocumentError((f"the document {finding}",))


def _json(text: str) -> object:
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError:  # a YAML mapping may begin with a brace, too
        return _yaml(text)
    _refuse_depth(data, _DEEPEST)
    return data


def _refuse_depth(data: object, left: int) -> None:
    if not left:
        raise RecursionError
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        if isinstance(each, dict | list):
            _refuse_depth(each, left - 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"key {_twice(key for key, _ in pairs)!r} stands twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _yaml(text: str) -> object:
    text.encode()  # libyaml would say the same, less plainly
    try:
        return _plain_yaml(text)
    except _UncommonError:
        data = yaml.load(text, _Loader)  # noqa: S506 a safe loader, which also minds keys that stand twice
    if "*" in text:  # without aliases the text is as large as what it says
        _measure(data)
    return data


class _UncommonError(Exception):
    """A text has what only `_Loader` understands: anchors, tags, merges, several documents, or a fault."""


def _plain_yaml(text: str) -> object:
    """Read a text as nearly all are, from libyaml's events.

    `_Loader` would make two objects of each of its parts first, and in all take three times as long.

    Raises:
        _UncommonError: the text is not as nearly all are.
    """
    loader = _Loader(text)
    scalars: dict[str, object] = {}
    above: list[list[Any]] = []
    parts: list[Any] = []  # of the list that is open; of a mapping keys and values by turns
    try:
        for event in iter(loader.get_event, None):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                parts.append(_scalar(event, scalars, loader))
            elif kind in _BEGINNINGS:
                _look_at(event, len(above))
                above.append(parts)
                parts = []
            elif kind in _ENDS:
                made = _mapping(parts) if kind is yaml.MappingEndEvent else parts
                parts = above.pop()
                parts.append(made)
            elif kind is yaml.AliasEvent:
                raise _UncommonError
    finally:
        loader.dispose()
    if len(parts) != 1:
        raise _UncommonError
    return parts[0]


def _look_at(event: yaml.CollectionStartEvent, depth: int) -> None:
    if depth >= _DEEPEST:
        raise RecursionError
    if event.anchor is not None or event.tag is not None:
        raise _UncommonError


def _scalar(event: yaml.ScalarEvent, known: dict[str, object], loader: _Loader) -> object:
    """Return what a scalar says; what stands in every route is looked at once."""
    text = event.value
    if event.anchor is not None or event.tag is not None:
        raise _UncommonError
    if not event.implicit[0]:  # in quotes
        return text
    if text not in known:
        tag = loader.resolve(yaml.ScalarNode, text, (True, False))
        if tag.rpartition(":")[2] not in _SCALARS:
            raise _UncommonError
        known[text] = loader.construct_object(yaml.ScalarNode(tag, text))
    return known[text]


def _mapping(parts: list[Any]) -> dict[Hashable, Any]:
    keys = parts[::2]
    try:
        made = dict(zip(keys, parts[1::2], strict=True))
    except TypeError as error:
        raise _UncommonError from error
    if len(made) < len(keys):
        raise _UncommonError
    return made


def _measure(data: object) -> None:
    """Count parts as often as aliases repeat them, and refuse what contains itself."""
    sizes: dict[int, int] = {}
    open_parts: set[int] = set()
    todo: list[tuple[Any, bool]] = [(data, False)]
    while todo:
        part, done = todo.pop()
        if not isinstance(part, dict | list) or (id(part) in sizes and not done):
            continue
        below: Iterable[Any] = part.values() if isinstance(part, dict) else part
        if done:
            open_parts.discard(id(part))
            sizes[id(part)] = 1 + sum(sizes.get(id(each), 1) for each in below)
            continue
        if id(part) in open_parts:
            raise ValueError("an alias leads back to where it stands")
        if len(open_parts) >= _DEEPEST:
            raise RecursionError
        open_parts.add(id(part))
        todo.append((part, True))
        todo.extend((each, False) for each in below)
    if sizes.get(id(data), 1) > _MOST_PARTS:
        raise ValueError(f"with its aliases written out it has more than {_MOST_PARTS} parts")


def _twice(keys: Iterable[Hashable]) -> Hashable:
    seen: set[Hashable] = set()
    return next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def each_of(merged: Iterable[yaml.Node]) -> Iterator[yaml.Node]:
    """Return the mappings that the values of ``<<`` name: each is one, or a list of some."""
    for node in merged:
        yield from node.value if isinstance(node, yaml.SequenceNode) else (node,)


def _name(key: yaml.Node) -> object:
    return (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else key


_BEGINNINGS = {yaml.MappingStartEvent, yaml.SequenceStartEvent}
_ENDS = {yaml.MappingEndEvent, yaml.SequenceEndEvent}
_SCALARS = {"str", "int", "float", "bool", "null"}
# libyaml, where the package has it, is ten times as fast.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Parser):  # type: ignore[misc]  # one of two bases
    """YAML, but a key that stands twice in a mapping is a fault: of two routes' names the first would be lost.

    Times stay text, as in JSON. Texts that go too deep are left off in time: building goes as deep as they, on the
    machine's own stack.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._merged = 0

    yaml_implicit_resolvers = {  # noqa: RUF012 as the base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _Parser.yaml_implicit_resolvers.items()
    }

    def descend_resolver(self, _node: yaml.Node, _index: object) -> None:
        """Begin a node: this is what the parser asks for on its way down."""
        self._depth += 1
        if self._depth > _DEEPEST + 1:  # a scalar, which goes no deeper, is a node too
            raise RecursionError

    def ascend_resolver(self) -> None:
        """End a node."""
        self._depth -= 1

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge in what ``<<`` names: a mapping's own keys win, then those of the first that is named."""
        merged = [value for name, value in node.value if name.tag == MERGE]
        node.value = [pair for pair in node.value if pair[0].tag != MERGE]
        super().flatten_mapping(node)
        names = {_name(name) for name, _ in node.value} if merged else set()
        for part in each_of(merged):
            if not isinstance(part, yaml.MappingNode):
                raise yaml.constructor.ConstructorError(None, None, "expected a mapping to merge in", part.start_mark)
            self.flatten_mapping(part)
            self._merged += 1 + len(part.value)
            if self._merged > _MOST_MERGED:
                raise ValueError(f"its merges bring more than {_MOST_MERGED} keys")
            for name, value in part.value:
                if _name(name) not in names:
                    names.add(_name(name))
                    node.value.append((name, value))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            twice = _twice(self.construct_object(key, deep=True) for key, _ in node.value)
            raise yaml.constructor.ConstructorError(None, None, f"key {twice!r} stands twice", node.start_mark)
        return mapping

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Read a whole number, but none that no message could quote, as hexadecimal digits may be one."""
        number: int = super().construct_yaml_int(node)
        str(number)  # ValueError
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
