"""The part of ``penstock status`` that tells how the routing document stands with the workers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from penstock import kafka, topics
from penstock.cli.records import rfc3339
from penstock.cli.tables import few, table
from penstock.control import history, watching
from penstock.control.reading import ControlLog
from penstock.control.standing import Standing, standing
from penstock.errors import ControlTopicError, KafkaUnavailableError
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.settings import Settings

__all__ = ["as_object", "as_text", "look"]


def look(settings: Settings) -> Standing | None:
    """Return how the document stands; None where no broker answers, or there are no control topics yet."""
    cluster = settings.kafka.internal_cluster
    if not kafka.available(cluster):
        return None
    try:
        with ControlLog(cluster, topics.control_routing(settings.topics.prefix)) as log:
            end = log.end()
        now = now_ms()
        return standing(history.current(settings), end, watching.workers(settings, now), now)
    except (ControlTopicError, KafkaUnavailableError):
        return None


def as_text(found: Standing) -> str:
    """Lay it out for a person."""
    if found.version is None or found.published_ms is None:
        return "routing       no document in force: 'penstock apply' publishes one"
    lines = [f"routing       version {found.version}, published {rfc3339(found.published_ms)}", "", "workers"]
    rows = [
        (each.worker, each.version, each.age_ms / 1000, each.lag, each.verdict, _counts(each.models), few(each.reasons))
        for each in found.workers
    ]
    shown = (
        table(("worker", "version", "age s", "lag", "answer", "models", "reasons"), rows) if rows else "none is at work"
    )
    lines += [f"  {line}" for line in shown.splitlines()]
    if found.weights:
        arms = [
            (
                each.route,
                each.variant,
                each.model,
                f"{each.weight:g}",
                f"{100 * each.share:.4g} %",
                None if each.next_change_ms is None else rfc3339(each.next_change_ms),
            )
            for each in found.weights
        ]
        lines += ["", "weights"]
        titles = ("route", "variant", "model", "weight", "share", "changes next")
        lines += [f"  {line}" for line in table(titles, arms).splitlines()]
    return "\n".join(lines)


def as_object(found: Standing) -> dict[str, object]:
    """Return it for JSON; ages in milliseconds, shares 0 to 1, times in milliseconds since 1970."""
    return asdict(found)


def _counts(models: Mapping[str, int]) -> str | None:
    return ", ".join(f"{count} {state}" for state, count in models.items()) or None
