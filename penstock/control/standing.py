"""How the routing document stands: which version is in force, with which weights, and in which workers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.control.messages import VerdictKind
from penstock.routing.ramp import change_after, current_weights
from penstock.routing.split import shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock.control.documents import LiveDocument
    from penstock.control.status import WorkerState
    from penstock.routing.document import Route

__all__ = ["ArmStanding", "Standing", "WorkerStanding", "standing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStanding:
    """One worker that is at work."""

    worker: str
    deployable: str
    host: str
    pid: int
    version: int | None
    age_ms: int
    """Since its last sign of life."""
    lag: int | None
    """How many messages of the routing topic it has not answered; None: it has not said."""
    verdict: str | None
    """What became of the last message that it answered."""
    reasons: tuple[str, ...]
    models: Mapping[str, int]
    """How many versions of models are in each state; empty: it holds none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmStanding:
    """The weight that a variant has at this moment."""

    route: str
    variant: str
    model: str
    weight: float
    share: float
    """Of the route's keys, 0 to 1."""
    next_change_ms: int | None
    """When its ramp takes the next step, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All of it."""

    version: int | None
    """In force by what the topic holds; None: no good document is there."""
    published_ms: int | None
    workers: tuple[WorkerStanding, ...]
    weights: tuple[ArmStanding, ...]
    """Of routes with a split."""

    @property
    def faults(self) -> list[str]:
        """Say which workers could not take the document in force."""
        return [
            f"the worker {each.worker!r} has version {each.version} in force, not {self.version}: "
            f"{'; '.join(each.reasons)}"
            for each in self.workers
            if each.verdict == VerdictKind.REJECTED.value and each.version != self.version
        ]


def standing(live: LiveDocument | None, end: int, states: Iterable[WorkerState], now_ms: int) -> Standing:
    """Put together what the topics tell.

    Args:
        live: the newest good document.
        end: the offset that the routing topic's next message will have.
        states: workers by their last signs.
        now_ms: the time, in milliseconds since 1970.
    """
    return Standing(
        version=live.version if live else None,
        published_ms=live.published_ms if live else None,
        workers=tuple(_worker(state, end, now_ms) for state in states if state.live(now_ms)),
        weights=tuple(arm for route in live.document.routes for arm in _arms(route, live, now_ms)) if live else (),
    )


def _worker(state: WorkerState, end: int, now_ms: int) -> WorkerStanding:
    sign = state.sign
    return WorkerStanding(
        worker=sign.worker,
        deployable=sign.deployable,
        host=sign.host,
        pid=sign.pid,
        version=sign.version,
        age_ms=state.age_ms(now_ms),
        lag=None if sign.offset is None else max(0, end - 1 - sign.offset),
        verdict=sign.verdict,
        reasons=sign.reasons,
        models=sign.models,
    )


def _arms(route: Route, live: LiveDocument, now_ms: int) -> list[ArmStanding]:
    if route.split is None:
        return []
    weights = current_weights(route, live.published_ms, now_ms)
    parts = shares(weights)
    return [
        ArmStanding(
            route=route.name,
            variant=variant.name,
            model=variant.model,
            weight=weights[variant.name],
            share=parts[variant.name],
            next_change_ms=change_after(variant.ramp, live.published_ms, now_ms) if variant.ramp else None,
        )
        for variant in route.split.variants
    ]
