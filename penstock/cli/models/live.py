"""``penstock models live``: say which version a bare name means, and wait until every worker goes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.exits import Exit
from penstock.cli.models.arguments import found, versioned
from penstock.cli.options import format_option, with_settings
from penstock.cli.publishing import timeout_option
from penstock.cli.records import json_line
from penstock.cli.tables import table
from penstock.control import adding
from penstock.control.models import ModelsTopic
from penstock.control.watching import ModelWatch
from penstock.models.catalog_events import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.control.model_signs import ModelsSign
    from penstock.models.ref import ModelRef
    from penstock.settings import Settings

__all__ = ["live"]


@click.command(
    epilog="""\b
Examples:
  penstock models live iris-tree 2
  penstock models live iris-tree 1      # and back

Until a worker has the version ready, the one that was live before answers there. Every result says which version it is
of (header penstock-model).

Exit status: 0 every live worker goes by it, 1 it is not registered or a worker cannot load it, 2 wrong usage or
settings, 3 Kafka cannot be used, 4 a worker did not have it in time."""
)
@click.argument("name")
@click.argument("version", type=click.IntRange(min=0))
@timeout_option
@format_option
@with_settings
def live(settings: Settings, *, name: str, version: int, timeout_s: float | None, layout: str) -> None:
    """Let the bare NAME mean VERSION from now on: in routes that name no version, while events flow."""
    ref = versioned(name, version, "'NAME'")
    with ModelsTopic(settings) as topic, ModelWatch(settings) as watch:
        job, before = found(topic.registry, ref).job, topic.registry.live(name)
        _refuse_failed(ref, watch.states.values())
        published = adding.make_live(topic, ref)
        patience_s = settings.control.apply_timeout_ms / 1000 if timeout_s is None else timeout_s
        served = watch.served(name, version, -1 if topic.registry.offset is None else topic.registry.offset, patience_s)
        signs = [sign for _, sign in sorted(watch.states.items()) if sign.job == job]
    if layout == "json":
        workers = {sign.worker: sign.serving.get(name) for sign in signs}
        click.echo(json_line({"model": str(ref), "changed": published is not None, "serving": workers}))
    else:
        click.echo(_changed(ref, before) if published is not None else f"{name!r} means version {version} already")
        click.echo(_table(ref, signs) if signs else f"no worker of the job {job!r} is at work")
    if not served:
        failed = any(_state(sign, ref) is State.FAILED for sign in signs)
        advice = "the version before answers there; see 'penstock models status'"
        click.echo(f"not every worker goes by version {version} yet: {advice}", err=True)
        raise click.exceptions.Exit(Exit.FAILED if failed else Exit.TIMED_OUT)


def _refuse_failed(ref: ModelRef, signs: Iterable[ModelsSign]) -> None:
    """Refuse a version that a worker is known to be unable to load: nothing is published."""
    for sign in signs:
        if _state(sign, ref) is State.FAILED:
            reason = sign.models[str(ref)].reason
            raise click.ClickException(f"{ref} was not made live: the worker {sign.worker!r} cannot load it: {reason}")


def _changed(ref: ModelRef, before: ModelRef | None) -> str:
    was = "" if before is None or before == ref else f", {before.version} before"
    return f"{ref.name!r} means version {ref.version} now{was}"


def _table(ref: ModelRef, signs: Iterable[ModelsSign]) -> str:
    rows = []
    for sign in signs:
        state = sign.models.get(str(ref))
        said = (None, None) if state is None else (str(state.state), state.reason or None)
        rows.append((sign.worker, sign.serving.get(ref.name), *said))
    return table(("worker", "serves", "state", "reason"), rows)


def _state(sign: ModelsSign, ref: ModelRef) -> State | None:
    found = sign.models.get(str(ref))
    return None if found is None else found.state
