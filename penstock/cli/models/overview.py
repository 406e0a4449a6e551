"""The registry for people and for JSON: what is registered, how workers stand with it, and who uses it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.cli.tables import few, table
from penstock.models.catalog_events import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock.control.model_signs import ModelsSign
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.ref import ModelRef
    from penstock.models.registry import Registry

__all__ = ["Line", "as_objects", "as_text", "lines", "size", "states_of"]

_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One version of one model."""

    descriptor: ModelDescriptor
    mark: str | None
    """``live``, or ``previous``: what answers until a worker has the live one."""
    states: Mapping[str, int]
    """How many workers have it in which state."""
    users: tuple[str, ...]


def lines(
    registry: Registry, signs: Iterable[ModelsSign], users: Mapping[ModelRef, tuple[str, ...]], wanted: ModelRef | None
) -> list[Line]:
    """Put together what is known of each version, by name and version; ``wanted`` leaves out others."""
    heard = list(signs)
    return [
        Line(
            descriptor=each,
            mark=_mark(registry, each.ref),
            states=states_of(str(each.ref), heard),
            users=users.get(each.ref, ()),
        )
        for each in registry
        if wanted is None or wanted in {each.ref, type(each.ref)(each.name)}
    ]


def states_of(ref: str, signs: Iterable[ModelsSign]) -> dict[str, int]:
    """Count the workers of a model's job by its state in them, the worst first."""
    found = Counter(str(sign.models[ref].state) for sign in signs if ref in sign.models)
    return {state.value: found[state.value] for state in _WORST_FIRST if found[state.value]}


def as_text(found: Iterable[Line]) -> str:
    """Lay it out."""
    rows = [
        (
            str(line.descriptor.ref),
            line.mark,
            line.descriptor.job,
            ", ".join(f"{count} {state}" for state, count in line.states.items()) or None,
            line.descriptor.algorithm,
            None if line.descriptor.bytes is None else size(line.descriptor.bytes),
            few(line.users),
        )
        for line in found
    ]
    return table(("model", "live", "job", "workers", "algorithm", "size", "used by"), rows)


def as_objects(found: Iterable[Line]) -> list[dict[str, object]]:
    """Return it for JSON."""
    return [
        {
            "model": str(line.descriptor.ref),
            "live": line.mark == "live",
            "job": line.descriptor.job,
            "workers": dict(line.states),
            "algorithm": line.descriptor.algorithm,
            "bytes": line.descriptor.bytes,
            "sha256": line.descriptor.sha256,
            "uri": line.descriptor.uri,
            "users": list(line.users),
        }
        for line in found
    ]


def size(count: int) -> str:
    """Write a number of bytes as people do."""
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < _KIB:
            break
        amount, unit = amount / _KIB, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


_WORST_FIRST = (State.FAILED, State.LOADING, State.EVICTED, State.READY)


def _mark(registry: Registry, ref: ModelRef) -> str | None:
    if registry.live(ref.name) == ref:
        return "live"
    return "previous" if ref in registry.serving(ref.name) else None
