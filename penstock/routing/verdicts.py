"""Whether cases of a casebook come out as they should: what was expected, and what was found. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from penstock.deadletter import ERROR_CODE, ERROR_REASON
from penstock.event import JSON, OCTETS, REQUEST, RESULT, ce_time, unpack_headers
from penstock.routing.casebook import Case, Expected, event_of
from penstock.routing.simulation import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.event import Deliveries
    from penstock.routing.document import RoutingDocument
    from penstock.routing.simulation import Simulation

__all__ = ["Renders", "Verdict", "same", "verdict"]


class Renders(Protocol):
    """The output adapter's core, as far as it is asked."""

    def render(
        self, values: Sequence[bytes | None], unseen_bytes: Sequence[int], texts: Sequence[tuple[str | None, ...]]
    ) -> Deliveries:
        """Render a batch of results."""
        ...


class Verdict(NamedTuple):
    """How a case came out."""

    name: str
    faults: tuple[str, ...]
    """What is not as expected; none: it is well."""


def verdict(case: Case, document: RoutingDocument, simulation: Simulation, renderer: Renders) -> Verdict:
    """Try a case."""
    sources = [source.topic for source in document.sources]
    try:
        event = event_of(case.event, sources[0] if len(sources) == 1 else None)
    except ValueError as error:
        return Verdict(case.name, (f"{error}: {', '.join(sources)}",))
    outcomes = simulation.outcomes(event)
    primaries = [outcome for outcome in outcomes if outcome.kind is not OutcomeKind.SHADOW]
    if len(primaries) != len(case.expect):
        found = ", ".join(map(_way, primaries))
        counts = f"expected {len(case.expect)} of requests and dead letters, got {len(primaries)}: {found}"
        return Verdict(case.name, (counts,))
    faults: list[str] = []
    for expected, outcome in zip(case.expect, primaries, strict=True):
        shadows = [each.shadow for each in outcomes if each.kind is OutcomeKind.SHADOW and each.route == outcome.route]
        faults.extend(_faults(case, expected, outcome, shadows))
        faults.extend(_output(case, expected, outcome, document, renderer))
    return Verdict(case.name, tuple(faults))


def same(expected: object, found: object, *, part: bool = False) -> bool:
    """Compare as JSON does: 1 is 1.0, true is not 1; ``part``: of an object only the keys that are expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = expected.keys() <= found.keys() if part else expected.keys() == found.keys()
        return keys and all(same(value, found[key]) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(same, expected, found))
    return isinstance(expected, bool) == isinstance(found, bool) and expected == found


def _faults(case: Case, expected: Expected, outcome: Outcome, shadows: list[str | None]) -> Iterator[str]:
    given = expected.model_fields_set
    ends_later = case.result is not None and outcome.kind is OutcomeKind.REQUEST
    if "dead_letter" in given and not ends_later and outcome.code != expected.dead_letter:
        yield f"expected a dead letter {expected.dead_letter}, got {_way(outcome)}"
    if "dead_letter" not in given and outcome.kind is OutcomeKind.DEAD_LETTER:
        yield f"got {_way(outcome)}: {outcome.why}"
        return
    if "unmatched" in given:
        found = "drop" if outcome.kind is OutcomeKind.DROPPED else outcome.topic
        if outcome.kind not in {OutcomeKind.DROPPED, OutcomeKind.UNMATCHED} or found != expected.unmatched:
            yield f"expected no route and {expected.unmatched!r}, got {_way(outcome)}"
    for key in ("route", "variant", "model"):
        found = getattr(outcome, key)
        if key in given and found != getattr(expected, key):
            yield f"{key}: expected {getattr(expected, key)!r}, got {found!r} ({outcome.why})"
    if expected.shadows is not None and sorted(expected.shadows) != sorted(filter(None, shadows)):
        yield f"shadows: expected {_text(expected.shadows)}, got {_text(shadows)}"
    if "data" in given:
        data = _readable(outcome.data(), outcome.content_type)
        if not same(expected.data, data):
            yield f"data: expected {_text(expected.data)}, got {_text(data)}"


def _output(
    case: Case, expected: Expected, outcome: Outcome, document: RoutingDocument, renderer: Renders
) -> Iterator[str]:
    """Let the output adapter's core write what the model is said to have made."""
    if case.result is None or outcome.kind is not OutcomeKind.REQUEST:
        return
    texts = ("", outcome.route, RESULT, None, str(document.version))
    deliveries = renderer.render([_result(case, outcome)], [0], [texts])
    headers = unpack_headers(deliveries.headers[0])
    code = headers.get(ERROR_CODE)
    if code != expected.dead_letter:
        reason = headers.get(ERROR_REASON)
        wanted = f"a dead letter {expected.dead_letter}" if expected.dead_letter else "an output"
        yield f"expected {wanted}, got {f'a dead letter {code}: {reason}' if code else 'an output'}"
    if expected.output is None or code:
        return
    if expected.output.topic is not None and deliveries.topics[0] != expected.output.topic:
        yield f"output.topic: expected {expected.output.topic!r}, got {deliveries.topics[0]!r}"
    made = deliveries.values[0]
    value = _result(case, outcome) if made is None else made
    found = _json(value) if not isinstance(expected.output.value, str) else value.decode(errors="replace")
    if "value" in expected.output.model_fields_set and not same(expected.output.value, found, part=True):
        yield f"output.value: expected {_text(expected.output.value)}, got {_text(found)}"


def _result(case: Case, outcome: Outcome) -> bytes:
    """Write a result as jobs do; when it was scored and how long that took are made up."""
    whole: dict[str, Any] = {}
    if outcome.content_type == REQUEST:
        request = json.loads(outcome.value or b"null")
        whole["input"] = request.get("input", request.get("data"))
    elif outcome.content_type != OCTETS:
        whole["input"] = _readable(outcome.value, outcome.content_type)
    made = case.result.model_dump() if case.result else {}
    return json.dumps(whole | made | {"scored_at": ce_time(0), "latency_ms": 0}, ensure_ascii=False).encode()


def _readable(found: object, content_type: str | None) -> object:
    """Return bytes as what they stand for: JSON, text, or base64 where they are no text."""
    if not isinstance(found, bytes):
        return found
    return _json(found) if content_type == JSON else found.decode(errors="replace")


def _json(found: bytes) -> object:
    try:
        return json.loads(found)
    except ValueError:
        return found.decode(errors="replace")


def _way(outcome: Outcome) -> str:
    match outcome.kind:
        case OutcomeKind.DEAD_LETTER:
            return f"a dead letter {outcome.code}"
        case OutcomeKind.DROPPED:
            return "nothing: it is dropped"
        case OutcomeKind.UNMATCHED:
            return f"no route, and topic {outcome.topic!r}"
        case _:
            return f"route {outcome.route!r}"


def _text(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, default=str)
