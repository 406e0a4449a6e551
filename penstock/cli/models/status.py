"""``penstock models status``: what each worker has loaded, what it has not, and why."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from penstock.cli.exits import Exit
from penstock.cli.models.overview import size
from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_line, rfc3339
from penstock.cli.tables import counted, table
from penstock.control import models
from penstock.control.watching import ModelWatch
from penstock.models.catalog_events import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.control.model_signs import ModelsSign
    from penstock.settings import Settings

__all__ = ["standing", "status"]


@click.command(
    epilog="""\b
Examples:
  penstock models status
  penstock models status --timeout 60     # until no worker is loading any more
  penstock models status --format json | jq -c 'select(.state == "failed")'

STATE is loading, ready, failed (with the reason), or evicted: known and not in memory; the first request loads it.
SERVES marks what a bare name is answered by in that worker. MEMORY is an estimate.

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
@format_option
@with_settings
def status(settings: Settings, *, timeout_s: float | None, layout: str) -> None:
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
        click.echo(_text(signs, newest))
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


def _text(signs: Sequence[ModelsSign], newest: int | None) -> str:
    if not signs:
        return "no worker that scores is at work; 'penstock up' starts them"
    rows = [
        (
            sign.worker,
            ref,
            str(state.state),
            "yes" if ref in _serving(sign) else None,
            rfc3339(state.since_ms),
            size(state.bytes) if state.bytes else None,
            state.reason or None,
        )
        for sign in signs
        for ref, state in sorted(sign.models.items())
    ]
    lines = [table(("worker", "model", "state", "serves", "since", "memory", "reason"), rows) if rows else "no models"]
    lines += [f"{sign.worker} has {counted(sign.more, 'version')} more" for sign in signs if sign.more]
    late = [sign.worker for sign in signs if _stale(sign, newest)]
    if late:
        lines.append(f"{counted(len(late), 'worker')} not up to date with the registry: {', '.join(late)}")
    return "\n".join(lines)


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
