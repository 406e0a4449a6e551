"""Routing documents and events that are made up, and what a plain reading of the documents makes of the events.

The reading follows docs/routing.md from top to bottom, one event and one route at a time. It shares no code with what
it is held against.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from xxhash import xxh64_intdigest

from penstock.errors import RoutingDocumentError
from penstock.testing.builders import document, route

if TYPE_CHECKING:
    from penstock.routing.document import RoutingDocument

SOURCES = [
    {"topic": "events", "format": "json", "type": {"field": "type"}},
    {"topic": "orders", "format": "json", "type": {"header": "kind"}},
    {"topic": "rows", "format": "csv", "columns": ["n", "s"], "cast": {"n": "int"}, "type": {"constant": "a"}},
    {"topic": "texts", "format": "text", "type": {"constant": "b"}},
]
SCALARS = [0, 1, 1.0, 2.5, True, False, "1", "a", "true"]
scalars = st.sampled_from(SCALARS)
types = st.sampled_from(["a", "b", "c"])
numbers = st.sampled_from([0, 1, 1.5, 2])
ranges = st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), numbers, min_size=1, max_size=2)
conditions = scalars | st.lists(scalars, min_size=1, max_size=3) | ranges
matches = st.fixed_dictionaries(
    {},
    optional={
        "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
        "topic": st.sampled_from(["events", "orders", "rows", "texts"]) | st.just(["events", "rows"]),
        "header": st.dictionaries(st.sampled_from(["h", "kind"]), st.sampled_from(["a", ["a", "b"]]), min_size=1),
        "field": st.dictionaries(st.sampled_from(["n", "s", "type"]), conditions, min_size=1, max_size=2),
    },
)
#: Each with what it means, in Python; one that raises is one that fails.
WHENS = {
    "event.n > 1": lambda event, **_: _number(event["n"]) > 1,
    'has(event.s) && event.s == "a"': lambda event, **_: "s" in event and event["s"] == "a",
    'key.startsWith("k")': lambda key, **_: key.startswith("k"),
    'type in ["a", "c"] || topic == "orders"': lambda kind, topic, **_: kind in {"a", "c"} or topic == "orders",
    'headers["h"] == "a"': lambda headers, **_: headers["h"] == "a",
}
routes = st.fixed_dictionaries(
    {"match": matches},
    optional={
        "when": st.sampled_from(sorted(WHENS)),
        "continue": st.booleans(),
        "on_error": st.sampled_from(["no-match", "dead-letter"]),
    },
)


class Sent(NamedTuple):
    """An event as somebody writes it."""

    topic: str
    text: str
    headers: dict[str, str]
    key: bytes | None


def _sent() -> list[Sent]:
    """Make events of all sorts: for each document all of them are tried, so that few documents find a fault."""
    chance = random.Random(1)
    numbers = [*SCALARS, None, [1], ...]
    values: list[tuple[str, str]] = [("texts", "some text"), *(("rows", f"{n},{s}") for n in range(3) for s in "ab")]
    for topic, kind, n, s in itertools.product(("events", "orders"), "abc", numbers, ["a", "1", 1, True, ...]):
        fields = {"type": kind, "n": n, "s": s}
        values.append((topic, json.dumps({name: value for name, value in fields.items() if value is not ...})))
    found = []
    for topic, text in values:
        h = chance.choice([{}, {"h": "a"}, {"h": "b"}, {"h": "c"}])
        found.append(
            Sent(topic, text, {"kind": chance.choice("abc"), **h}, chance.choice([None, b"", b"k1", b"x", b"\xff"]))
        )
    return chance.sample(found, 150)


SENT = _sent()


def _number(found: object) -> Any:
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError(found)
    return found


def sound(plain: list[dict[str, Any]], **changes: Any) -> RoutingDocument | None:
    """A document with these routes; those that the checks refuse are left out, until there are none to refuse."""
    for part in plain:
        if "when" not in part:
            part.pop("on_error", None)
    listed = [route(f"r{number}", **part) for number, part in enumerate(plain)]
    while listed:
        try:
            return document(sources=SOURCES, routes=listed, **changes)
        except RoutingDocumentError as error:
            faulty = {int(fault.partition("[")[2].partition("]")[0]) for fault in error.faults}
            listed = [each for number, each in enumerate(listed) if number not in faulty]
    return None


def equal(wanted: object, found: object) -> bool:
    """Equality of JSON: true is no number, and text is only text."""
    return isinstance(wanted, bool) == isinstance(found, bool) and wanted == found


def meets(condition: Any, found: object) -> bool:
    """One condition on a field, read plainly."""
    if isinstance(condition, dict):
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        number = float(found)
        compare = {"gt": number.__gt__, "gte": number.__ge__, "lt": number.__lt__, "lte": number.__le__}
        return all(compare[name](float(limit)) for name, limit in condition.items())
    return any(equal(wanted, found) for wanted in (condition if isinstance(condition, list) else [condition]))


def as_list(found: Any) -> list[Any]:
    """A text stands for a list of one."""
    return found if isinstance(found, list) else [found]


def matched(match: dict[str, Any], topic: str, kind: str, fields: dict[str, Any], headers: dict[str, str]) -> bool:
    """One match, read plainly."""
    if "type" in match and kind not in as_list(match["type"]):
        return False
    if "topic" in match and topic not in as_list(match["topic"]):
        return False
    if any(headers.get(name) not in as_list(texts) for name, texts in match.get("header", {}).items()):
        return False
    return all(name in fields and meets(wanted, fields[name]) for name, wanted in match.get("field", {}).items())


def interpreted(
    found: RoutingDocument, topic: str, kind: str, event: object, headers: dict[str, str], key: bytes | None
) -> list[tuple[str, bool]]:
    """The routes that take an event, and whether their expression failed: the document read from top to bottom."""
    fields = event if isinstance(event, dict) else {}
    text = key.decode() if key is not None and key != b"\xff" else None
    taken = []
    for each in found.model_dump(mode="json", exclude_none=True)["routes"]:
        if not matched(each["match"], topic, kind, fields, headers):
            continue
        failed = False
        try:
            when = WHENS[each["when"]] if "when" in each else lambda **_: True
            if not when(event=fields, key=text, headers=headers, kind=kind, topic=topic):
                continue
        except (KeyError, TypeError, AttributeError):
            if each["on_error"] == "no-match":
                continue
            failed = True
        taken.append((each["name"], failed))
        if not each["continue"]:
            break
    return taken


class Plain(NamedTuple):
    """One event, as far as routing looks at it."""

    topic: str
    kind: str
    event: object
    headers: dict[str, str]
    key: bytes | None
    offset: int

    @property
    def place(self) -> str:
        """Its coordinates, all on one partition."""
        return f"{self.topic}/0/{self.offset}"


Written = tuple[str | None, str | None, str | None, str | None, str | None]
"""Topic, route, variant or shadow, model, and code of a dead letter."""


def written(found: RoutingDocument, plain: Plain, elapsed_ms: int) -> list[Written]:
    """What the input adapter writes for an event, so long after the document was published."""
    tree = found.model_dump(mode="json", exclude_none=True)
    routes = {each["name"]: each for each in tree["routes"]}
    records: list[Written] = []
    taken = interpreted(found, plain.topic, plain.kind, plain.event, plain.headers, plain.key)
    for name, failed in taken:
        if failed:
            records.append(("penstock.dead-letters", name, None, None, "EXPRESSION"))
        else:
            records.extend(_requests(routes[name], plain, elapsed_ms))
    if taken:
        return records
    unmatched = tree["unmatched"]
    if unmatched == "dead-letter":
        return [("penstock.dead-letters", None, None, None, "UNMATCHED")]
    return [(None if unmatched == "drop" else unmatched["topic"], None, None, None, None)]


def _requests(each: dict[str, Any], plain: Plain, elapsed_ms: int) -> list[Written]:
    split = each.get("split", {})
    salt = split.get("salt", each["name"])
    hashed = _hashed(split.get("by", "key"), plain)
    if split:
        arm = _variant(split, salt, hashed, elapsed_ms)
        first: Written = (f"penstock.pmml.{_bare(arm['model'])}", each["name"], arm["name"], arm["model"], None)
    else:
        first = (f"penstock.pmml.{_bare(each['model'])}", each["name"], None, each["model"], None)
    copies = []
    for shadow in each["shadow"]:
        label, model = shadow.get("name", shadow["model"]), shadow["model"]
        if _draw(f"{salt}\0shadow\0{label}", hashed) < shadow["percent"] / 100 or shadow["percent"] == 100:
            copies.append((f"penstock.shadow-pmml.{_bare(model)}", each["name"], label, model, None))
    return [first, *copies]


def _bare(model: str) -> str:
    return model.split(":", maxsplit=1)[0]


def _hashed(by: Any, plain: Plain) -> bytes:
    """Rule 1."""
    lacking = plain.place.encode()
    if by == "event":
        return lacking
    if by == "key":
        return lacking if plain.key is None else plain.key
    if by.get("header"):
        text = plain.headers.get(by["header"])
        return lacking if text is None else text.encode()
    found = _scalar(plain.event.get(by["field"]) if isinstance(plain.event, dict) else None)
    return lacking if found is None else found


def _scalar(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int | float):
        return (str(int(value)) if value == int(value) else repr(value)).encode()
    return None


def _variant(split: dict[str, Any], salt: str, hashed: bytes, elapsed_ms: int) -> dict[str, Any]:
    """Rules 2 to 5."""
    pinned = {key.encode(): name for key, name in split["overrides"].items()}
    best, chosen = math.inf, None
    for arm in split["variants"]:
        if pinned.get(hashed) == arm["name"]:
            return dict(arm)
        weight = _weight(arm, elapsed_ms)
        if weight > 0:
            score = -math.log(_draw(f"{salt}\0{arm['name']}", hashed)) / weight
            if score < best:
                best, chosen = score, arm
    assert chosen
    return dict(chosen)


def _weight(arm: dict[str, Any], elapsed_ms: int) -> float:
    ramp = arm.get("ramp")
    if ramp is None:
        return float(arm["weight"])
    steps = min(ramp["steps"], elapsed_ms * ramp["steps"] // (int(ramp["over"][:-1]) * 1000))
    return float(ramp["from"] + (ramp["to"] - ramp["from"]) * steps / ramp["steps"])


def _draw(seed_text: str, hashed: bytes) -> float:
    digest = xxh64_intdigest(hashed, xxh64_intdigest(seed_text.encode(), 0))
    return (digest // 2**11 + 0.5) / 2**53
