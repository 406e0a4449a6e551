"""Which routes take an event: look-ups by what routes ask for, so that ten thousand routes cost what ten do.

Each route stands in one table, by the condition that the fewest other routes share; an event looks into each table once
and tries only the routes that it finds there, in the order of the document. Where an event's type leaves but a few
routes, these are tried one by one, which costs less than tables.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from penstock.event import coordinates, own_headers
from penstock.routing.document import Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from penstock.routing.document import Match, Route

__all__ = [
    "Asked",
    "Check",
    "Equality",
    "Index",
    "Reader",
    "Seen",
    "asked",
    "bounds",
    "by_type",
    "comparable",
    "rarest",
]

_TYPE = ("type", "")
#: Routes that are tried one by one at most: about what a look into the tables costs.
_FEW = 8
_TRUE, _FALSE = object(), object()  # Python takes true for 1, JSON does not
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


Check = Callable[["Seen"], bool]
_Tried = tuple[int, tuple[Check, ...]]
"""A route's number, and what has to hold beside that by which it was found."""
_Table = dict[object, list[_Tried]]


class Reader(Protocol):
    """What a source knows of its events."""

    @property
    def topic(self) -> str:
        """Its topic."""
        ...

    @property
    def fields(self) -> Callable[[Any], Mapping[str, object]]:
        """Finds in what the source's codec has read the fields that routes ask for, as far as it has them."""
        ...

    @property
    def data(self) -> Callable[[Any], object]:
        """Makes all of it, as transforms see it."""
        ...


class Seen:
    """One event, as far as anybody has asked for it: nothing is decoded without need, and nothing twice."""

    __slots__ = ("_fields", "_headers", "_reader", "body", "event_type", "key", "offset", "own", "partition")

    def __init__(  # noqa: PLR0913, PLR0917 one for each column, and made for each event
        self,
        reader: Reader,
        event_type: str,
        body: Any,
        own: str | None,
        key: bytes | None,
        partition: int,
        offset: int,
    ) -> None:
        self._reader = reader
        self.body = body
        self.own = own
        self._headers: dict[str, str] | None = None if own else {}
        self._fields: Mapping[str, object] | None = None
        self.event_type = event_type
        self.key = key
        self.partition = partition
        self.offset = offset

    @property
    def topic(self) -> str:
        """The source topic."""
        return self._reader.topic

    def headers(self) -> dict[str, str]:
        """Return the record's own headers. Raises `EnvelopeError` where the engine hands over what are none."""
        if self._headers is None:
            self._headers = own_headers(self.own)
        return self._headers

    def fields(self) -> Mapping[str, object]:
        """Return the fields that routes ask for. Raises `DecodeError` for what only a closer look finds."""
        if self._fields is None:
            self._fields = self._reader.fields(self.body)
        return self._fields

    def event(self) -> object:
        """Return the whole event. Raises `DecodeError` as `fields` does."""
        return self._reader.data(self.body)

    def place(self) -> bytes:
        """Return the event's coordinates, which no other event has."""
        return coordinates(self._reader.topic, self.partition, self.offset).encode()


Equality = tuple[str, str]
"""What is compared: the type, or a header or field by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a route asks of the events of one source."""

    equal: Mapping[Equality, frozenset[object]]
    """What has to be one of these."""
    ranges: Sequence[Check] = ()
    when: bool = False
    """Whether an expression has the last word."""
    goes_on: bool = False
    """Whether later routes are tried even if it takes the event."""


def comparable(found: object) -> object:
    """Return what stands for a scalar in look-ups, where equal means equal in JSON; None for what is no scalar."""
    kind = type(found)
    if kind is str or kind is int or kind is float:
        return found
    if kind is bool:
        return _TRUE if found else _FALSE
    return None


def by_type(routes: Iterable[Route]) -> dict[str, Route]:
    """Return the first route that names each type; whatever else it asks for is not looked at."""
    found: dict[str, Route] = {}
    for route in routes:
        for event_type in route.match.type:
            found.setdefault(event_type, route)
    return found


def asked(match: Match, *, when: bool = False, goes_on: bool = False) -> Asked:
    """Compile a match, all but its topics: those are the source's, whose events have no other."""
    equal: dict[Equality, frozenset[object]] = {}
    if match.type:
        equal[_TYPE] = frozenset(match.type)
    for name, texts in match.header.items():
        equal["header", name] = frozenset(texts)
    ranges = []
    for name, condition in match.field.items():
        if isinstance(condition, Range):
            ranges.append(_within(name, condition))
        else:
            values = condition if isinstance(condition, list) else [condition]
            equal["field", name] = frozenset(map(comparable, values))
    return Asked(equal=equal, ranges=ranges, when=when, goes_on=goes_on)


def bounds(condition: Range) -> list[tuple[Callable[[Any, Any], bool], Any]]:
    """Return a range as comparisons, each with its limit."""
    found = ((compare, getattr(condition, name)) for name, compare in _BOUNDS.items())
    return [(compare, limit) for compare, limit in found if limit is not None]


def _within(name: str, condition: Range) -> Check:
    limits = bounds(condition)

    def check(seen: Seen) -> bool:
        found = seen.fields().get(name)
        if type(found) is not int and type(found) is not float:
            return False
        for compare, limit in limits:  # noqa: SIM110 a generator costs more than the comparisons
            if not compare(found, limit):
                return False
        return True

    return check


def _equal(what: Equality, values: frozenset[object]) -> Check:
    kind, name = what
    if kind == "header":
        return lambda seen: seen.headers().get(name) in values
    if kind == "field":
        return lambda seen: comparable(seen.fields().get(name)) in values
    return lambda seen: seen.event_type in values


class Index:
    """Finds the routes whose conditions an event meets, their expressions left aside."""

    def __init__(self, routes: Sequence[Asked], few: int = _FEW) -> None:
        """Make the tables; ``few`` routes of a type at most are tried without."""
        crowds = Counter((what, value) for each in routes for what, values in each.equal.items() for value in values)
        self._rest: list[_Tried] = []
        self._types: _Table = {}
        self._headers: dict[str, _Table] = {}
        self._fields: dict[str, _Table] = {}
        equal = lru_cache(maxsize=None)(_equal)  # thousands of routes that ask for one type share the check
        self._few, self._others = _by_type(routes, few, equal)
        closed: set[int] = set()
        for number, each in enumerate(routes):
            what = rarest(each.equal, crowds)
            others = (equal(*pair) for pair in each.equal.items() if pair[0] != what)
            checks = (*others, *each.ranges)
            final = not (checks or each.when or each.goes_on)
            for row in self._rows(what, each):
                # Nobody behind a route that takes all that comes by here is ever tried.
                if id(row) not in closed:
                    row.append((number, checks))
                if final:
                    closed.add(id(row))

    def _rows(self, what: Equality | None, each: Asked) -> Iterator[list[_Tried]]:
        if what is None:
            yield self._rest
            return
        kind, name = what
        table = self._types
        if kind != _TYPE[0]:
            table = (self._headers if kind == "header" else self._fields).setdefault(name, {})
        for value in each.equal[what]:
            yield table.setdefault(value, [])

    def tried(self, seen: Seen) -> Sequence[_Tried]:
        """Return the routes that an event may take, in the document's order, each with what has to hold for it yet."""
        few = self._few.get(seen.event_type, self._others)
        return self._candidates(seen) if few is None else few

    def _candidates(self, seen: Seen) -> Sequence[_Tried]:
        row = self._types.get(seen.event_type)
        rows = [row] if row else []
        if self._rest:
            rows.append(self._rest)
        if self._headers:
            _look_up(self._headers, seen.headers(), rows)
        if self._fields:
            _look_up(self._fields, seen.fields(), rows)
        return rows[0] if len(rows) == 1 else sorted(chain.from_iterable(rows))


def _by_type(
    routes: Sequence[Asked], few: int, equal: Callable[[Equality, frozenset[object]], Check]
) -> tuple[dict[object, Sequence[_Tried] | None], Sequence[_Tried] | None]:
    """Return the routes that a type leaves, by type and for all other types, each with all else that it asks for.

    None stands for more than ``few``.
    """
    named: dict[object, list[int]] = {kind: [] for each in routes for kind in each.equal.get(_TYPE, ())}
    rest: list[int] = []
    for number, each in enumerate(routes):
        rows = [named[kind] for kind in each.equal[_TYPE]] if _TYPE in each.equal else [rest]
        for row in rows:
            if len(row) <= few:
                row.append(number)

    def tried(numbers: list[int]) -> Sequence[_Tried] | None:
        if len(numbers) > few:
            return None
        found = []
        for number in sorted(numbers):
            each = routes[number]
            checks = (*(equal(*pair) for pair in each.equal.items() if pair[0] != _TYPE), *each.ranges)
            found.append((number, checks))
            if not (checks or each.when or each.goes_on):
                break
        return found

    return {kind: tried([*row, *rest]) for kind, row in named.items()}, tried(rest)


def _look_up(tables: Mapping[str, _Table], have: Mapping[str, object], rows: list[list[_Tried]]) -> None:
    """Append the rows in which the values that an event has stand."""
    names: Iterable[str] = tables if len(tables) <= len(have) else have
    for name in names:
        if name in tables and name in have:
            row = tables[name].get(comparable(have[name]))
            if row:
                rows.append(row)


def rarest(
    equal: Mapping[Equality, frozenset[object]], crowds: Mapping[tuple[Equality, object], int]
) -> Equality | None:
    """Return what a route is best looked up by: the condition that it shares with the fewest others."""
    found = ((max(crowds[what, value] for value in values), what != _TYPE, what) for what, values in equal.items())
    return min(found, default=(0, False, None))[2]
