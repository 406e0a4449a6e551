"""What is different between two routing documents: its parts by their names, and the keys that move. Pure."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.routing.moves import Moves, moved, sharing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from penstock.routing.document import RoutingDocument

__all__ = ["Change", "ChangeKind", "Difference", "Side", "difference", "json_text"]


class ChangeKind(StrEnum):
    """What became of a part of the document."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REORDERED = "reordered"


class Change(NamedTuple):
    """One part that is different."""

    kind: ChangeKind
    path: str
    """Where, with names instead of numbers: ``routes[iris].split.variants[champion].weight``."""
    old: object = None
    new: object = None


class Side(NamedTuple):
    """A document, and when it was published: ramps that give no start count from there."""

    document: RoutingDocument
    published_ms: int


class Difference(NamedTuple):
    """All that is different."""

    changes: tuple[Change, ...]
    moves: Mapping[str, Moves]
    """By the name of a route that both documents have, if keys of it move."""

    @property
    def same(self) -> bool:
        """Whether at most the version differs."""
        return all(change.path == "version" for change in self.changes)

    @property
    def sources(self) -> bool:
        """Whether the topics that are read are others: that takes more than a new document."""
        return any(
            change.kind in {ChangeKind.ADDED, ChangeKind.REMOVED} and _is_source(change.path) for change in self.changes
        )


#: What names the parts of a list, by the list's key; other lists are compared as a whole.
_NAMED = {"sources": "topic", "routes": "name", "variants": "name", "shadow": "name"}
#: In which of these lists the order counts.
_ORDERED = {"routes"}


def difference(old: Side, new: Side, now_ms: int) -> Difference:
    """Compare two documents. Defaults that are written out are no difference; weights are those of ``now_ms``."""
    before, after = (side.document.model_dump(exclude_defaults=True) for side in (old, new))
    changes = tuple(_changes("", before, after))
    routes = {route.name: route for route in old.document.routes}
    moves = {}
    for route in new.document.routes:
        other = routes.get(route.name)
        if other is None or (route.split is None and other.split is None):
            continue
        shared = sharing(other, old.published_ms, now_ms, route)
        found = moved(shared, sharing(route, new.published_ms, now_ms, other))
        if found.moves:
            moves[route.name] = found
    return Difference(changes, moves)


def json_text(part: object) -> str:
    """Return a part of a document as JSON on one line."""
    return json.dumps(part, ensure_ascii=False)


def _changes(path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            below = f"{path}.{key}".lstrip(".")
            if key not in new:
                yield from _gone(below, str(key), old[key])
            elif key not in old:
                yield from _come(below, str(key), new[key])
            elif key in _NAMED and isinstance(old[key], list) and isinstance(new[key], list):
                yield from _of_lists(below, key, old[key], new[key])
            else:
                yield from _changes(below, old[key], new[key])
    elif json_text(old) != json_text(new):  # true is not 1
        yield Change(ChangeKind.CHANGED, path, old, new)


def _of_lists(path: str, key: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    before, after = _by_name(key, old), _by_name(key, new)
    for name in dict.fromkeys((*before, *after)):
        below = f"{path}[{name}]"
        if name not in after:
            yield Change(ChangeKind.REMOVED, below, old=before[name])
        elif name not in before:
            yield Change(ChangeKind.ADDED, below, new=after[name])
        else:
            yield from _changes(below, before[name], after[name])
    if key in _ORDERED:
        kept = [name for name in before if name in after]
        order = [name for name in after if name in before]
        if kept != order:
            yield Change(ChangeKind.REORDERED, path, *_where_they_differ(kept, order))


def _come(path: str, key: str, new: Any) -> Iterator[Change]:
    if key in _NAMED and isinstance(new, list):
        yield from _of_lists(path, key, [], new)
    else:
        yield Change(ChangeKind.ADDED, path, new=new)


def _gone(path: str, key: str, old: Any) -> Iterator[Change]:
    if key in _NAMED and isinstance(old, list):
        yield from _of_lists(path, key, old, [])
    else:
        yield Change(ChangeKind.REMOVED, path, old=old)


def _by_name(key: str, parts: Sequence[Any]) -> dict[str, Any]:
    return {str(part.get(_NAMED[key]) or part.get("model")): part for part in parts}


def _where_they_differ(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    differing = [number for number, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    part = slice(differing[0], differing[-1] + 1)
    return old[part], new[part]


def _is_source(path: str) -> bool:
    return path.startswith("sources[") and path.endswith("]")
