"""The routing documents of the measured programs, as plain data."""

from __future__ import annotations

from typing import Any

__all__ = ["MODELS", "routing", "scoring"]

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


def scoring(source: str, model: str, output: str) -> Document:
    """Score iris events with one model and give users the whole result."""
    return {
        "version": 1,
        "sources": [{"topic": source, "format": "json", "type": {"field": "type"}}],
        "routes": [{"name": "iris", "match": {"type": "iris"}, "model": model, "output": {"topic": output}}],
        "models": {model: {"job": "pmml"}},
    }
