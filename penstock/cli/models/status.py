"""``penstock models status``: what each worker has loaded, what it has not, and why."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from penstock.cli.exits import Exit
from penstock.cli.models.overview import size, states_of
from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_line, rfc3339
from penstock.cli.tables import counted, few, table
from penstock.control import models
from penstock.control.watching import ModelWatch
from penstock.models.catalog_events import State
from penstock.models.ref import read_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.control.model_signs import ModelsSign
    from penstock.settings import Settings

__all__ = ["as_text", "standing", "status"]


@click.command(
    epilog="""\b
Examples:
  penstock models status
  penstock models status --timeout 60     # until no worker is loading any more
  penstock models status --workers        # each version in each worker
  penstock models status --format json | jq -c 'select(.state == "failed")'

WORKERS counts them by state: loading, ready, failed (with the reason), or evicted: known and not in memory; the first
request loads it. SERVES is in how many of them a bare name is answered by this version. MEMORY is an estimate, of the
worker in which it takes most. JSON is a line for each worker and version, as --workers shows them.

Exit status: 0 all workers have all models ready or evicted, or there is no worker; 1 one cannot load a model; 2 wrong
usage or settings; 3 Kafka cannot be used; 4 one is loading, or has not seen the newest message of the registry."""
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Wait so long for what is loading.  [default: not at all]",
)
@click.option("--workers", "by_worker", is_flag=True, help="Show each version in each worker.")
@format_option
@with_settings
def status(settings: Settings, *, timeout_s: float | None, by_worker: bool, layout: str) -> None:
    """Show which models each worker has loaded."""
    newest = models.registry(settings).offset
    until = time.monotonic() + (timeout_s or 0)
    with ModelWatch(settings) as watch:
        signs = _sorted(watch.states.values())
        while standing(signs, newest) is Exit.TIMED_OUT and time.monotonic() < until:
            watch.listen()
            signs = _sorted(watch.states.values())
    if layout == "json":
        for each in _objects(signs):
            click.echo(json_line(each))
    else:
        click.echo(as_text(signs, newest, by_worker=by_worker))
    found = standing(signs, newest)
    if found is not Exit.OK:
        raise click.exceptions.Exit(found)


def standing(signs: Iterable[ModelsSign], newest: int | None) -> Exit:
    """Return the exit status that tells how workers stand.

    Args:
        signs: of the workers at work.
        newest: the last message of the registry's topic.
    """
    heard = list(signs)
    found = {state.state for sign in heard for state in sign.models.values()}
    if State.FAILED in found:
        return Exit.FAILED
    return Exit.TIMED_OUT if State.LOADING in found or any(_stale(sign, newest) for sign in heard) else Exit.OK


def _stale(sign: ModelsSign, newest: int | None) -> bool:
    return newest is not None and sign.offset < newest


def _sorted(signs: Iterable[ModelsSign]) -> list[ModelsSign]:
    return sorted(signs, key=lambda sign: sign.worker)


def as_text(signs: Sequence[ModelsSign], newest: int | None, *, by_worker: bool) -> str:
    """Lay out how models are: a row for each version, or for each version in each worker.

    Args:
        signs: of the workers at work.
        newest: the last message of the registry's topic.
        by_worker: whether each worker has rows of its own.
    """
    if not signs:
        return "no worker that scores is at work; 'penstock up' starts them"
    lines = [(_by_worker(signs) if by_worker else _by_version(signs)) or "no models"]
    lines += [f"{sign.worker} has {counted(sign.more, 'version')} more" for sign in signs if sign.more]
    late = [sign.worker for sign in signs if _stale(sign, newest)]
    if late:
        lines.append(f"{counted(len(late), 'worker')} not up to date with the registry: {', '.join(late)}")
    return "\n".join(lines)


def _by_version(signs: Sequence[ModelsSign]) -> str:
    refs = sorted({ref for sign in signs for ref in sign.models}, key=_in_order)
    rows = []
    for ref in refs:
        having = [sign for sign in signs if ref in sign.models]
        states = states_of(ref, having)
        rows.append(
            (
                ref,
                ", ".join(f"{count} {state}" for state, count in states.items()),
                sum(ref in _serving(sign) for sign in having) or None,
                _memory(max(sign.models[ref].bytes for sign in having)),
                few(_reasons(ref, having)),
            )
        )
    return table(("model", "workers", "serves", "memory", "reasons"), rows) if rows else ""


def _reasons(ref: str, signs: Sequence[ModelsSign]) -> list[str]:
    """Each reason once, with who says it, or how many do where not all of them."""
    saying: dict[str, list[str]] = {}
    for sign in signs:
        if sign.models[ref].reason:
            saying.setdefault(sign.models[ref].reason, []).append(sign.worker)
    return [
        reason if len(who) == len(signs) else f"{who[0] if len(who) == 1 else counted(len(who), 'worker')}: {reason}"
        for reason, who in saying.items()
    ]


def _by_worker(signs: Sequence[ModelsSign]) -> str:
    rows = [
        (
            sign.worker,
            ref,
            str(state.state),
            "yes" if ref in _serving(sign) else None,
            rfc3339(state.since_ms),
            _memory(state.bytes),
            state.reason or None,
        )
        for sign in signs
        for ref, state in sorted(sign.models.items(), key=lambda item: _in_order(item[0]))
    ]
    return table(("worker", "model", "state", "serves", "since", "memory", "reason"), rows) if rows else ""


def _in_order(ref: str) -> tuple[str, int]:
    """Versions are numbers: the tenth comes after the second."""
    found = read_ref(ref)
    return (ref, 0) if found is None else (found.name, found.version or 0)


def _memory(count: int) -> str | None:
    return size(count) if count else None


def _objects(signs: Iterable[ModelsSign]) -> list[dict[str, object]]:
    return [
        {
            "worker": sign.worker,
            "job": sign.job,
            "model": ref,
            "state": str(state.state),
            "serves": ref in _serving(sign),
            "since_ms": state.since_ms,
            "bytes": state.bytes,
            "reason": state.reason or None,
        }
        for sign in signs
        for ref, state in sorted(sign.models.items())
    ]


def _serving(sign: ModelsSign) -> set[str]:
    return {f"{name}:{version}" for name, version in sign.serving.items()}
