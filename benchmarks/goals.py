"""What the figures should be: the aims that Penstock has set itself, and whether a run meets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["GOALS", "Goal", "judged"]

_STAGES = {"input-adapter": "input adapter", "pmml-tree": "PMML stage", "output-adapter": "output adapter"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A figure, by its place in the results, and its limit."""

    text: str
    path: tuple[str, ...]
    """Keys into the results; programs are found by name."""
    limit: float
    at_least: bool = False
    unit: str = ""

    def met(self, found: float) -> bool:
        """Say whether a figure is within the limit."""
        return found >= self.limit if self.at_least else found <= self.limit


def _delays(name: str, title: str, p50: float, p99: float) -> tuple[Goal, ...]:
    return tuple(
        Goal(text=f"{title}: {share} at 1,000 events/s", path=(name, "latency", "1000", share), limit=limit, unit="ms")
        for share, limit in (("p50", p50), ("p99", p99))
    )


GOALS = (
    Goal(
        text="input adapter: events/s over bytewax's",
        path=("input-adapter", "throughput", "ratios", "bytewax", "events_per_s"),
        limit=1.0,
        at_least=True,
    ),
    Goal(
        text="input adapter: events/s over the Python loop's",
        path=("input-adapter", "throughput", "ratios", "loop", "events_per_s"),
        limit=0.65,
        at_least=True,
    ),
    Goal(
        text="input adapter: CPU per event, whole envelope",
        path=("input-adapter", "throughput", "program_us"),
        limit=11.0,
        unit="us",
    ),
    Goal(
        text="input adapter with 10 routes, splits, a shadow, an expression: records/s over its own without them",
        path=("input-adapter-splits", "throughput", "ratios", "plain", "events_per_s"),
        limit=0.8,
        at_least=True,
    ),
    Goal(
        text="PMML stage, tree: events/s over the batched scikit-learn loop's",
        path=("pmml-tree", "throughput", "ratios", "scoring", "events_per_s"),
        limit=0.5,
        at_least=True,
    ),
    *(goal for name, title in _STAGES.items() for goal in _delays(name, title, 50, 150)),
    *_delays("end-to-end", "end to end", 150, 450),
    *(
        Goal(
            text=f"document of 10,000 routes in {form.upper()}: CPU until it is in force",
            path=("documents", "10000", f"{form}_ready_s"),
            limit=2.0,
            unit="s",
        )
        for form in ("json", "yaml")
    ),
    Goal(
        text="router: CPU per event with 10,000 routes over that with 10",
        path=("documents", "ratio"),
        limit=1.25,
    ),
    Goal(
        text="service job: events/s over one call per event",
        path=("service", "throughput", "ratios", "one by one", "events_per_s"),
        limit=10.0,
        at_least=True,
    ),
    Goal(
        text="service job: p50 at 500 events/s",
        path=("service", "latency", "500", "p50"),
        limit=100,
        unit="ms",
    ),
    Goal(
        text="Spark job, real-time: events/s of the sentiment model",
        path=("spark-real-time", "throughput", "events_per_s"),
        limit=8_000,
        at_least=True,
    ),
    Goal(
        text="Spark job, real-time: p50 at 200 events/s",
        path=("spark-real-time", "latency", "200", "p50"),
        limit=50,
        unit="ms",
    ),
    Goal(
        text="PMML stage: p99 while another model is swapped, over the quiet p99 of the run",
        path=("models", "swaps", "ratio"),
        limit=1.5,
    ),
    Goal(
        text="whole stack with the PMML job: resident memory",
        path=("memory_mib", "together"),
        limit=6144,
        unit="MiB",
    ),
)


def judged(results: dict[str, Any]) -> list[tuple[Goal, float | None]]:
    """Return every goal with its figure, None where this run did not measure it."""
    places: dict[str, Any] = {entry["name"]: entry for entry in results["programs"]}
    places["memory_mib"] = results["memory_mib"]
    places["models"] = _with_swaps(results.get("models", {}))
    places["documents"] = _with_ratio(results.get("documents", {}))
    return [(goal, _found(places, goal.path)) for goal in GOALS]


def _with_ratio(documents: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Add what an event costs with the most routes over what it costs with the fewest."""
    if not documents:
        return {}
    few, *_, many = sorted(documents, key=int)
    return {**documents, "ratio": documents[many]["router_us"] / documents[few]["router_us"]}


def _with_swaps(models: dict[str, Any]) -> dict[str, Any]:
    """Add p99 while models are swapped over that while nothing is."""
    if "swaps" not in models:
        return models
    swaps = models["swaps"]
    return {**models, "swaps": {**swaps, "ratio": swaps["swaps"]["p99"] / swaps["quiet"]["p99"]}}


def _found(places: Any, path: tuple[str, ...]) -> float | None:
    for key in path:
        if not isinstance(places, dict) or key not in places:
            return None
        places = places[key]
    return float(places)
