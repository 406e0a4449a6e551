"""``penstock generate``: iris events at an exact rate."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.exits import Exit
from penstock.cli.options import with_settings
from penstock.cli.pace import Stop, paced
from penstock.cli.progress import Progress
from penstock.cli.sending import Sender, closing_line
from penstock.iris import DEMO_TOPICS, POISON_HEADER, Event, Form, Recipe, events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.settings import Settings

__all__ = ["generate"]

_ROOM_S = 0.2  # how soon a wish to end is noticed while the broker is slow


@click.command(
    epilog="""\b
Examples:
  penstock generate --count 1000 --rate 200
  penstock generate --format csv --count 50 --seed 1
  penstock generate --rate 50 --poison 5        # until Ctrl-C, 5 % of it bad

Exit status: 0 all were acknowledged (also after Ctrl-C where no --count was given), 1 some were not,
3 Kafka cannot be used, 130 Ctrl-C came before --count was reached."""
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Form]),
    default=Form.JSON.value,
    show_default=True,
    help="How an event is written: json, csv (four numbers) or tagged (type###four numbers).",
)
@click.option("--topic", help="Topic to write to.  [default: events, csv-events or legacy-events, by format]")
@click.option(
    "--type",
    default="iris",
    show_default=True,
    help="Type of the events. CSV has no place for it: the routing document says it for the topic.",
)
@click.option("--rate", type=click.FloatRange(min=0), default=0, help="Events a second; 0, the default: no limit.")
@click.option("--count", type=click.IntRange(min=0), default=0, help="How many; 0, the default: until Ctrl-C.")
@click.option("--keys", type=click.IntRange(min=1), default=100, show_default=True, help="How many distinct keys.")
@click.option("--seed", type=int, help="Same seed, same bytes; 'ts' then counts from a fixed moment.")
@click.option(
    "--poison",
    "poison_percent",
    type=click.FloatRange(0, 100),
    default=0,
    metavar="PERCENT",
    help=f"Share of events to spoil on purpose; their header {POISON_HEADER!r} says how.",
)
@with_settings
def generate(settings: Settings, form: str, topic: str | None, rate: float, **recipe: Any) -> None:
    """Write iris events to the demo's topics, or to another one."""
    plan = Recipe(form=Form(form), **recipe)
    target = topic or DEMO_TOPICS[plan.form]
    stop, spoilt = Stop(), 0
    sender = Sender(settings, target)
    begun = time.monotonic()
    try:
        with ends_on_signal(stop), sender, Progress(plan.count or None, "events") as progress:
            for event in paced(events(plan), rate, stop):
                if not _sent(sender, event, stop):
                    break
                spoilt += event.poison is not None
                progress.advance()
    finally:  # where the broker was given up too
        seconds = max(time.monotonic() - begun, 1e-9)
        click.echo(
            f"{closing_line(sender, target)}, {spoilt:,} spoilt, in {seconds:,.1f} s ({sender.sent / seconds:,.1f}/s)"
        )
    sender.complain()
    if sender.sent < plan.count:
        raise click.exceptions.Exit(Exit.INTERRUPTED)


def _sent(sender: Sender, event: Event, stop: Stop) -> bool:
    while not sender.room(_ROOM_S):
        if stop:
            return False
    headers = [] if event.poison is None else [(POISON_HEADER, event.poison.encode())]
    sender.send(f"event {sender.sent + 1}", event.key, event.value, headers)
    return True


@contextmanager
def ends_on_signal(stop: Stop) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask for the end instead of breaking off, so that what is under way is still written."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
