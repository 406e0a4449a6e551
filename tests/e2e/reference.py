"""What must become of an event by a routing document: the rules of docs/routing.md once more, as plainly as can be.

Nothing of Penstock's own routing is used here, so that both can only agree by following the same rules.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import yaml
from xxhash import xxh64_intdigest

from tests.e2e.events import FEATURES, ID, REQUESTS, ROOT, SOURCES
from tests.e2e.streams import DEAD_LETTERS, SHADOW_RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.e2e.streams import Sent

__all__ = ["DEMO", "WHEN", "Explain", "Way", "by_documents", "by_the_demo"]

DEMO: dict[str, Any] = yaml.safe_load((ROOT / "config" / "routing.yaml").read_text(encoding="utf-8"))
#: Expressions that documents of tests use, and what they mean; what cannot be computed is no match.
WHEN: dict[str, Callable[[Any, Any], bool]] = {
    "event.id % 3 == 0": lambda event, _: event["id"] % 3 == 0,
    "event.petal_length > 4.5 || event.sepal_width < 2.5": lambda event, _: (
        event["petal_length"] > 4.5 or event["sepal_width"] < 2.5
    ),
    'has(event.note) && key.startsWith("k1")': lambda event, key: "note" in event and key.startswith("k1"),
}
#: Codes of what fails before a route is looked for, and of what fails in the input adapter once there is one.
_BEFORE = {"DECODE", "TYPE_MISSING", "UNMATCHED"}
#: Topics all of whose events are of one type.
_CONSTANT = {SOURCES["csv"]: "iris", "tweets": "tweet", "images": "image"}
_WITHOUT_COPIES = {"TRANSFORM", "OVERSIZE"}
_BOUNDS: dict[str, Callable[[float, float], bool]] = {
    "gt": lambda found, bound: found > bound,
    "gte": lambda found, bound: found >= bound,
    "lt": lambda found, bound: found < bound,
    "lte": lambda found, bound: found <= bound,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One record that becomes of an event: where it stands, and what its headers say."""

    version: int
    topic: str
    route: str | None = None
    model: str | None = None
    variant: str | None = None
    shadow: str | None = None
    code: str | None = None


class Explain(Protocol):
    """Says which records become of an event by the document of a version."""

    def __call__(self, sent: Sent, version: int) -> list[Way]:
        """Say so."""


def by_documents(documents: Mapping[int, Mapping[str, Any]]) -> Explain:
    """Explain by documents, given as plain data by their versions; by a version that is none of them: nothing."""

    def explain(sent: Sent, version: int) -> list[Way]:
        return list(_ways(sent, version, documents[version])) if version in documents else []

    return explain


by_the_demo = by_documents({1: DEMO})
"""Explains by the document that a stack begins with."""


def _ways(sent: Sent, version: int, document: Mapping[str, Any]) -> Iterator[Way]:
    event = sent.event
    routes = [] if event.code in _BEFORE or event.source == REQUESTS else list(_taking(sent, document))
    if not routes:
        yield Way(version=version, topic=DEAD_LETTERS, code=event.code or "UNMATCHED")
    for route in routes:
        key = _hashed(sent, route.get("split", {}).get("by", "key"))
        salt = route.get("split", {}).get("salt", route["name"])
        variant, model = _chosen(route, key, salt)
        if event.code is None:
            scored = {"model": _pinned(model), "variant": variant}
            yield Way(version=version, topic=route["output"]["topic"], route=route["name"], **scored)
        else:
            yield Way(version=version, topic=DEAD_LETTERS, route=route["name"], code=event.code)
        for shadow in [] if event.code in _WITHOUT_COPIES else route.get("shadow", []):
            name = shadow.get("name", shadow["model"])
            if _drawn(key, salt, "shadow", name) >= shadow.get("percent", 100) / 100:
                continue
            way = {"version": version, "route": route["name"], "shadow": name}
            if event.code is None:
                yield Way(**way, topic=SHADOW_RESULTS, model=_pinned(shadow["model"]))
            else:
                yield Way(**way, topic=DEAD_LETTERS, code=event.code)


def _taking(sent: Sent, document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    event_type, body, key = _type(sent), _body(sent), sent.event.key
    for route in document["routes"]:
        match = route.get("match", {})
        types = match.get("type", event_type)
        fits = event_type in ([types] if isinstance(types, str) else types)
        fits = fits and all(_within(body.get(name), bounds) for name, bounds in match.get("field", {}).items())
        if fits and _holds(route.get("when"), body, key):
            yield route
            if not route.get("continue"):
                return


def _type(sent: Sent) -> str:
    event = sent.event
    if event.source in _CONSTANT:
        return _CONSTANT[event.source]
    value = event.value or b""
    return json.loads(value)["type"] if event.source == SOURCES["json"] else value.partition(b"###")[0].decode()


def _body(sent: Sent) -> dict[str, Any]:
    """The event's fields: of a tagged one, which is text, there are none."""
    event = sent.event
    if event.source == SOURCES["csv"]:
        return dict(zip(FEATURES, map(float, (event.value or b"").split(b",")), strict=True))
    return json.loads(event.value or b"") if event.source == SOURCES["json"] else {}


def _within(found: object, bounds: Mapping[str, float]) -> bool:
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return is_number and all(_BOUNDS[name](found, bound) for name, bound in bounds.items())


def _holds(when: str | None, body: dict[str, Any], key: bytes | None) -> bool:
    if when is None:
        return True
    try:
        return WHEN[when](body, _text(key))
    except (KeyError, TypeError, AttributeError):
        return False


def _text(key: bytes | None) -> str | None:
    """The key as expressions see it: null where there is none, and where it is no text."""
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return None


def _hashed(sent: Sent, by: Any) -> bytes:
    """The bytes that decide, step 1 of the rule."""
    if by == "key" and sent.event.key is not None:
        return sent.event.key
    if by == {"header": ID}:
        return sent.event.id.encode()
    if isinstance(by, dict) and isinstance(found := _body(sent).get(by["field"]), int | float):
        return repr(int(found) if found == int(found) else found).encode()
    return sent.place.encode()


def _chosen(route: Mapping[str, Any], key: bytes, salt: str) -> tuple[str | None, str]:
    """The variant and its model, steps 2 to 5 of the rule."""
    if "split" not in route:
        return None, route["model"]
    variants = {each["name"]: each for each in route["split"]["variants"]}
    pinned = {name.encode(): variant for name, variant in route["split"].get("overrides", {}).items()}.get(key)
    scores = {
        name: -math.log(_drawn(key, salt, name)) / each["weight"] for name, each in variants.items() if each["weight"]
    }
    variant = pinned or min(scores, key=lambda name: scores[name])
    return variant, variants[variant]["model"]


def _drawn(key: bytes, *seed: str) -> float:
    """The number u between 0 and 1 that a key draws."""
    return ((xxh64_intdigest(key, xxh64_intdigest("\0".join(seed).encode(), 0)) >> 11) + 0.5) / 2**53


def _pinned(model: str) -> str:
    """A bare name means the live version; each sample model has one."""
    return model if ":" in model else f"{model}:1"
