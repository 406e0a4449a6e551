"""Why each route took an event, or did not: the document read from top to bottom, for a person to look at. Pure.

Slow beside the tables of `penstock.routing.match`, which say who takes an event and not what kept the others from it;
a test holds the two against each other.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from penstock.errors import ExpressionError, RecordError, shown
from penstock.routing.document import Range
from penstock.routing.match import bounds, comparable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from penstock.routing.document import Condition, Match
    from penstock.routing.match import Seen
    from penstock.routing.ways import Way

__all__ = ["Trial", "TrialKind", "trials"]

_ABSENT = object()
_LONGEST = 60


class TrialKind(StrEnum):
    """What came of trying a route."""

    TAKES = "takes"
    NO_MATCH = "no match"
    DEAD_LETTER = "dead letter"
    """Its expression cannot be computed, and it asks for a dead letter then."""


class Trial(NamedTuple):
    """One route that was tried."""

    route: str
    kind: TrialKind
    why: tuple[str, ...] = ()
    """Which of its conditions do not hold; none where it takes the event."""


def trials(ways: Iterable[Way], seen: Seen) -> Iterator[Trial]:
    """Try routes in the document's order, to the one behind which none has its turn."""
    for way in ways:
        trial = _trial(way, seen)
        yield trial
        if trial.kind is not TrialKind.NO_MATCH and not way.route.continues:
            return


def _trial(way: Way, seen: Seen) -> Trial:
    name, when = way.route.name, way.when
    try:
        unmet = tuple(_unmet(way.route.match, seen))
        if unmet:
            return Trial(name, TrialKind.NO_MATCH, unmet)
        if when is not None and not when.holds(seen):
            return Trial(name, TrialKind.NO_MATCH, ("when is false",))
    except ExpressionError as error:
        kind = TrialKind.NO_MATCH if way.route.on_error == "no-match" else TrialKind.DEAD_LETTER
        return Trial(name, kind, (f"when: {error.reason}",))
    except RecordError as error:  # what only a closer look at the event finds
        return Trial(name, TrialKind.DEAD_LETTER, (error.reason,))
    return Trial(name, TrialKind.TAKES)


def _unmet(match: Match, seen: Seen) -> Iterator[str]:
    """Tell of the conditions that do not hold, those first for which the event need not be decoded."""
    if match.topic and seen.topic not in match.topic:
        yield f"topic is {seen.topic!r}, expected {_any_of(match.topic)}"
        return  # of another source's events the fields that this route asks for are not known
    if match.type and seen.event_type not in match.type:
        yield f"type is {seen.event_type!r}, expected {_any_of(match.type)}"
    for name, texts in match.header.items():
        text = seen.headers().get(name)
        if text not in texts:
            found = "is absent" if text is None else f"is {shown(text)}"
            yield f"header {name!r} {found}, expected {_any_of(texts)}"
    for name, condition in match.field.items():
        yield from _unmet_field(name, condition, seen.fields())


def _unmet_field(name: str, condition: Condition, fields: Mapping[str, object]) -> Iterator[str]:
    value = fields.get(name, _ABSENT)
    found = "is absent" if value is _ABSENT else f"is {_json(value)}"
    if isinstance(condition, Range):
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if number is None or not all(compare(number, limit) for compare, limit in bounds(condition)):
            limits = condition.model_dump(exclude_none=True).items()
            asked = " and ".join(f"{word} {_plainly(limit)}" for word, limit in limits)
            yield f"field {name!r} {found}, expected a number {asked}"
        return
    wanted = condition if isinstance(condition, list) else [condition]
    if comparable(value) not in set(map(comparable, wanted)):
        yield f"field {name!r} {found}, expected {_any_of(wanted)}"


def _plainly(limit: float) -> str:
    """Write a number as people do: whole ones without a point, however large."""
    return str(int(limit) if isinstance(limit, int) or limit.is_integer() else limit)


def _any_of(wanted: Sequence[object]) -> str:
    return " or ".join(map(_json, wanted))


def _json(value: object) -> str:
    """Write a value as the event and the document have it, true as true, and cut where it is long."""
    return shown(value) if isinstance(value, str) else json.dumps(value, default=str)[:_LONGEST]
