"""Differences between routing documents as commands show them: lines for people, an object for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.records import printable
from penstock.cli.tables import table
from penstock.routing.difference import Change, ChangeKind, Difference, json_text
from penstock.routing.moves import SAMPLED_KEYS, Moves

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["as_object", "as_text"]

_LONGEST = 160
_SIGNS = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: "~", ChangeKind.REORDERED: "~"}


def as_text(found: Difference) -> str:
    """Lay a difference out."""
    if not found.changes and not found.moves:
        return "nothing is different"
    lines = [_line(change) for change in found.changes]
    for route, moves in found.moves.items():
        lines += ["", *_moves(route, moves)]
    return "\n".join(lines)


def as_object(found: Difference) -> dict[str, object]:
    """Return a difference for JSON; shares are of all keys, 0 to 1."""
    return {
        "changes": [
            {"kind": change.kind.value, "path": change.path, "old": change.old, "new": change.new}
            for change in found.changes
        ],
        "moves": [
            {
                "route": route,
                "share": moves.share,
                "exact": moves.exact,
                "variants": [{"from": move.origin, "to": move.to, "share": move.share} for move in moves.moves],
            }
            for route, moves in found.moves.items()
        ],
    }


def _line(change: Change) -> str:
    match change.kind:
        case ChangeKind.ADDED:
            said = _short(change.new)
        case ChangeKind.REMOVED:
            said = _short(change.old)
        case ChangeKind.CHANGED:
            said = f"{_short(change.old)} -> {_short(change.new)}"
        case ChangeKind.REORDERED:
            said = f"in another order: {_short(change.old)} -> {_short(change.new)}"
    return f"{_SIGNS[change.kind]} {printable(change.path)}: {said}"


def _short(part: object) -> str:
    text = json_text(_trimmed(part))
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def _trimmed(part: object) -> object:
    """Write whole numbers without a point, as people do: documents hold weights as floats."""
    match part:
        case float() if part.is_integer():
            return int(part)
        case dict():
            return {key: _trimmed(each) for key, each in part.items()}
        case list():
            return [_trimmed(each) for each in part]
        case _:
            return part


def _moves(route: str, moves: Moves) -> Iterator[str]:
    how = "exact" if moves.exact else f"about: {SAMPLED_KEYS:,} made-up keys were hashed"
    yield f"routes[{route}]: {100 * moves.share:.4g} % of its keys move ({how})"
    rows = [(move.origin, move.to, f"{100 * move.share:.4g} %") for move in moves.moves]
    yield from (f"  {line}" for line in table(("from", "to", "share"), rows).splitlines())
