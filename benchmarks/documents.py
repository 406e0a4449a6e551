"""The routing documents of the measured programs, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MODELS", "SPLIT_TYPES", "many", "of_job", "of_many", "routing", "scoring", "splits", "zoo"]

Document = dict[str, Any]

MODELS = {"a": "iris-tree", "b": "iris-forest"}
"""Model by type of event, where events are routed and not scored."""


def routing(source: str) -> Document:
    """Route events of two types to two models, as they are: what the reference programs do with two topics."""
    return {
        "version": 1,
        "sources": [{"topic": source, "format": "json", "type": {"field": "type"}}],
        "routes": [
            {"name": kind, "match": {"type": kind}, "model": model, "output": {"topic": f"{source}-{kind}-scores"}}
            for kind, model in MODELS.items()
        ],
        "models": {model: {"job": "pmml"} for model in MODELS.values()},
    }


SPLIT_TYPES = "abcdefgh"
"""Types of events where routes do all that they can do."""

_ARMS = (("champion", 80, "iris-tree"), ("challenger", 15, "iris-forest"), ("canary", 5, "iris-logistic"))
#: Of a thousand users: whose events have a route of their own.
_NAMED_USERS = 100


def splits(source: str) -> Document:
    """Route by ten routes, each a split by key: eight by type, and before them one by a field and one by an expression.

    A tenth of one route's events is copied to a shadow.
    """
    named = [f"u{number}" for number in range(_NAMED_USERS)]
    special: list[Document] = [
        {"name": "named-users", "match": {"type": "a", "field": {"user": named}}},
        {"name": "large", "match": {"type": "b"}, "when": "event.features[0] > 6.0"},
    ]
    by_type: list[Document] = [{"name": kind, "match": {"type": kind}} for kind in SPLIT_TYPES]
    by_type[-1]["shadow"] = [{"name": "candidate", "model": "iris-logistic", "percent": 10}]
    return {
        "version": 1,
        "sources": [{"topic": source, "format": "json", "type": {"field": "type"}}],
        "routes": [
            {**route, "split": _split(2 + number % 2), "output": {"topic": f"{source}-{route['name']}-scores"}}
            for number, route in enumerate([*special, *by_type])
        ],
        "models": {model: {"job": "pmml"} for _, _, model in _ARMS},
    }


def _split(count: int) -> Document:
    arms = [{"name": name, "weight": weight, "model": model} for name, weight, model in _ARMS[:count]]
    return {"by": "key", "variants": arms}


def many(source: str, count: int) -> Document:
    """Route by so many routes: each takes one tenant's events of one type, and is a split of two."""
    routes = []
    for number in range(count):
        kind, tenant = of_many(number)
        match = {"type": kind, "field": {"tenant": tenant}}
        output = {"topic": f"{source}-{kind}-scores"}
        routes.append({"name": f"route-{number}", "match": match, "split": _split(2), "output": output})
    return {
        "version": 1,
        "sources": [{"topic": source, "format": "json", "type": {"field": "type"}}],
        "routes": routes,
        "models": {model: {"job": "pmml"} for _, _, model in _ARMS},
    }


def of_many(number: int) -> tuple[str, str]:
    """Return the type and the tenant of one of many routes."""
    return f"type-{number % 10}", f"tenant-{number}"


def scoring(source: str, model: str, output: str) -> Document:
    """Score iris events with one model and give users the whole result."""
    return {
        "version": 1,
        "sources": [{"topic": source, "format": "json", "type": {"field": "type"}}],
        "routes": [{"name": "iris", "match": {"type": "iris"}, "model": model, "output": {"topic": output}}],
        "models": {model: {"job": "pmml"}},
    }


def of_job(source: str, model: str, job: str, output: str) -> Document:
    """Score all events of a topic with one model of any job."""
    return {
        "version": 1,
        "sources": [{"topic": source, "format": "json", "type": {"constant": job}}],
        "routes": [{"name": job, "match": {"type": job}, "model": model, "output": {"topic": output}}],
        "models": {model: {"job": job}},
    }


def zoo(source: str, names: Sequence[str], output: str) -> Document:
    """Score events with the model that their type names: all of them are loaded before the first request."""
    return {
        "version": 1,
        "sources": [{"topic": source, "format": "json", "type": {"field": "type"}}],
        "routes": [
            {"name": name, "match": {"type": name}, "model": name, "output": {"topic": output}} for name in names
        ],
        "models": {name: {"job": "pmml"} for name in names},
    }
