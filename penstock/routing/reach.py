"""Routes that no event can reach: because of routes before them, or because of what they ask for themselves.

Only what is certain is told: a route with an expression stands in nobody's way, and two routes together may well cover
a third without being found.
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from penstock.routing.document import Range
from penstock.routing.faults import Fault
from penstock.routing.match import asked, bounds, rarest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from penstock.routing.document import Match, Source
    from penstock.routing.match import Equality

__all__ = ["Reaching", "unreachable"]

# Routes are compared with those before them that could cover them, which are few, unless thousands differ only in
# ranges. Beyond this many comparisons the rest goes unchecked: a document must be read in bounded time.
_MOST_COMPARISONS = 100_000
_FIRST = "the first match wins, so this one is never reached"


class _Asks(NamedTuple):
    """What a route asks for, as sets: smaller ones ask for more."""

    number: int
    topics: frozenset[str]
    equal: Mapping[Equality, frozenset[object]]
    ranges: Mapping[str, Range]


class Reaching(NamedTuple):
    """What can be told of a route: its number, its match, and whether it keeps to itself what matches."""

    number: int
    match: Match
    final: bool


def unreachable(routes: Sequence[Reaching], sources: Sequence[Source], *, all_known: bool = True) -> Iterator[Fault]:
    """Return a fault for each route that no event can reach; ``all_known``: there are no sources but these."""
    everywhere = frozenset(source.topic for source in sources)
    asked_for = [_asks(route, everywhere) for route in routes]
    crowds = Counter((what, value) for asks in asked_for for what, values in asks.equal.items() for value in values)
    before: dict[tuple[Equality, object] | None, list[_Asks]] = defaultdict(list)
    budget = [_MOST_COMPARISONS]
    for route, asks in zip(routes, asked_for, strict=True):
        yield from _impossible(route, sources if all_known else ())
        yield from _behind(route.match.type, asks, before, budget)
        if route.final:
            # Whoever is covered by it asks for one of its values too, if it asks for any.
            rare = rarest(asks.equal, crowds)
            if rare is None:
                before[None].append(asks)
            else:
                for value in asks.equal[rare]:
                    before[rare, value].append(asks)


def _asks(route: Reaching, everywhere: frozenset[str]) -> _Asks:
    ranges = {name: found for name, found in route.match.field.items() if isinstance(found, Range)}
    return _Asks(route.number, frozenset(route.match.topic) or everywhere, asked(route.match).equal, ranges)


def _behind(
    listed: Sequence[str],
    asks: _Asks,
    before: Mapping[tuple[Equality, object] | None, list[_Asks]],
    budget: list[int],
) -> Iterator[Fault]:
    """Tell whether an earlier route takes all events that this one would; of several types, each for itself."""
    place = ("routes", asks.number, "match")
    what: Equality = ("type", "")
    types = asks.equal.get(what)
    if types is None:
        other = _covering(asks, before, budget)
        if other is not None:
            yield Fault(place, f"routes[{other}] takes all events that this one would; {_FIRST}")
        return
    seen: set[str] = set()
    for event_type in listed:
        only = asks._replace(equal={**asks.equal, what: frozenset({event_type})})
        other = asks.number if event_type in seen else _covering(only, before, budget)
        seen.add(event_type)
        if other is not None:
            yield Fault((*place, "type"), f"routes[{other}] takes {event_type!r}; {_FIRST}")


def _covering(
    asks: _Asks, before: Mapping[tuple[Equality, object] | None, list[_Asks]], budget: list[int]
) -> int | None:
    """Return the first earlier route that takes all events that are asked for here."""
    keys = [None, *((what, next(iter(values))) for what, values in asks.equal.items())]
    covering = []
    for key in keys:
        for other in before.get(key, ()):
            budget[0] -= 1
            if budget[0] < 0:
                return None
            if _covers(other, asks):
                covering.append(other.number)
                break
    return min(covering, default=None)


def _covers(wide: _Asks, narrow: _Asks) -> bool:
    """Tell whether every event that one route asks for is asked for by the other."""
    if not narrow.topics <= wide.topics:
        return False
    for what, values in wide.equal.items():
        found = narrow.equal.get(what)
        if found is None or not found <= values:
            return False
    return all(_inside(name, wide_range, narrow) for name, wide_range in wide.ranges.items())


def _inside(name: str, wide: Range, narrow: _Asks) -> bool:
    values = narrow.equal.get(("field", name))
    if values is not None:
        return all(type(value) in {int, float} and _contains(wide, value) for value in values)
    found = narrow.ranges.get(name)
    return found is not None and all(_at_least(found, limit) for limit in bounds(wide))


def _contains(found: Range, value: object) -> bool:
    return all(compare(value, limit) for compare, limit in bounds(found))


def _at_least(narrow: Range, wanted: tuple[object, object]) -> bool:
    """Tell whether all numbers of a range meet one bound of another."""
    compare, limit = wanted
    strict = compare in {operator.gt, operator.lt}
    sides = {operator.gt, operator.ge} if compare in {operator.gt, operator.ge} else {operator.lt, operator.le}
    for own, own_limit in bounds(narrow):
        if own in sides:
            beyond = own_limit > limit if operator.gt in sides else own_limit < limit
            if beyond or (own_limit == limit and (not strict or own in {operator.gt, operator.lt})):
                return True
    return False


def _impossible(route: Reaching, sources: Sequence[Source]) -> Iterator[Fault]:
    place = ("routes", route.number, "match")
    match = route.match
    for name, condition in match.field.items():
        if isinstance(condition, Range) and _is_empty(condition):
            yield Fault((*place, "field", name), "no number lies in this range")
    served = [source for source in sources if not match.topic or source.topic in match.topic]
    if not served:
        return
    if match.field and all(source.format not in {"json", "csv"} for source in served):
        yield Fault((*place, "field"), "no source of this route has fields; only json and csv have")


def _is_empty(condition: Range) -> bool:
    lows = [
        (limit, compare is operator.gt) for compare, limit in bounds(condition) if compare in {operator.gt, operator.ge}
    ]
    highs = [
        (limit, compare is operator.lt) for compare, limit in bounds(condition) if compare in {operator.lt, operator.le}
    ]
    return any(low > high or (low == high and (above or below)) for low, above in lows for high, below in highs)
