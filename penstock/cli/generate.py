"""``penstock generate``: events of the demo at an exact rate."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from penstock.cli.exits import Exit
from penstock.cli.options import with_settings
from penstock.cli.pace import Stop, paced
from penstock.cli.progress import Progress
from penstock.cli.sending import Sender, closing_line
from penstock.demo_events.mix import Kind, mixed, topic_of
from penstock.iris import POISON_HEADER, Form, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.iris import Event
    from penstock.settings import Settings

__all__ = ["ends_on_signal", "generate", "outcome"]

_ROOM_S = 0.2  # how soon a wish to end is noticed while the broker is slow
_MIX_RATE = 3.0  # a mix is there to be looked at


@click.command(
    epilog="""\b
Examples:
  penstock generate --count 1000 --rate 200
  penstock generate --kind iris,tweets,images             # a mix, 3 events a second, until Ctrl-C
  penstock generate --format csv --count 50 --seed 1
  penstock generate --rate 50 --poison 5                  # until Ctrl-C, 5 % of it bad

Exit status: 0 all were acknowledged (also after Ctrl-C where no --count was given), 1 some were not,
3 Kafka cannot be used, 130 Ctrl-C came before --count was reached, 143 SIGTERM came before the end."""
)
@click.option(
    "--kind",
    "words",
    default=Kind.IRIS.value,
    show_default=True,
    metavar="KIND,...",
    help=f"What the events are: {', '.join(Kind)}; several take turns, each on its own topic.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Form]),
    default=Form.JSON.value,
    show_default=True,
    help="How an iris event is written: json, csv (four numbers) or tagged (type###four numbers).",
)
@click.option(
    "--topic",
    help="Topic to write events of one kind to.  "
    "[default: events, csv-events or legacy-events, by format; tweets; images]",
)
@click.option(
    "--type",
    default="iris",
    show_default=True,
    help="Type of the iris events. CSV has no place for it: the routing document says it for the topic.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    help=f"Events a second, of all kinds together; 0: no limit.  [default: 0; {_MIX_RATE:g} for several kinds]",
)
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
def generate(settings: Settings, words: str, form: str, topic: str | None, rate: float | None, **recipe: Any) -> None:
    """Write iris events, short texts or images of digits to the demo's topics, or to another one."""
    kinds, plan, stop = _kinds(words), Recipe(form=Form(form), **recipe), Stop()
    if topic and len(kinds) > 1:
        raise click.UsageError("--topic is for events of one kind: each of several has its own topic")
    if Kind.IRIS not in kinds:
        _refuse_iris_options()
    rate = (_MIX_RATE if len(kinds) > 1 else 0) if rate is None else rate
    begun = time.monotonic()
    with ExitStack() as stack:
        lines = {kind: _Line(topic or topic_of(kind, plan), settings, stack) for kind in kinds}
        try:
            with ends_on_signal(stop) as signals, stack, Progress(plan.count or None, "events") as progress:
                for item in paced(mixed(kinds, plan), rate, stop):
                    if not lines[item.kind].sent(item.event, stop):
                        break
                    progress.advance()
        finally:  # where the broker was given up too
            seconds = max(time.monotonic() - begun, 1e-9)
            for line in lines.values():
                click.echo(line.closing(seconds))
    for line in lines.values():
        line.sender.complain()
    status = outcome(signals, sum(line.sender.sent for line in lines.values()), plan.count)
    if status is not Exit.OK:
        raise click.exceptions.Exit(status)


def _refuse_iris_options() -> None:
    """What is not said of the events that are written would be left out without a word."""
    context = click.get_current_context()
    for option, name in (("--format", "form"), ("--type", "type")):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} is for iris events: texts and images have one form, and no type")


def _kinds(words: str) -> list[Kind]:
    found = []
    for word in dict.fromkeys(words.split(",")):
        if word not in set(Kind):
            raise click.BadParameter(f"there is no kind {word!r}; there are {', '.join(Kind)}", param_hint="'--kind'")
        found.append(Kind(word))
    return found


class _Line:
    """Events on their way to one topic."""

    def __init__(self, topic: str, settings: Settings, stack: ExitStack) -> None:
        self._topic = topic
        self._spoilt = 0
        self.sender = stack.enter_context(Sender(settings, topic))

    def sent(self, event: Event, stop: Stop) -> bool:
        """Send an event when there is room; False if the end was asked for before."""
        while not self.sender.room(_ROOM_S):
            if stop:
                return False
        poison = [] if event.poison is None else [(POISON_HEADER, event.poison.encode())]
        self.sender.send(f"event {self.sender.sent + 1}", event.key, event.value, [*event.headers, *poison])
        self._spoilt += event.poison is not None
        return True

    def closing(self, seconds: float) -> str:
        """What is said at the end."""
        pace = f"in {seconds:,.1f} s ({self.sender.sent / seconds:,.1f}/s)"
        return f"{closing_line(self.sender, self._topic)}, {self._spoilt:,} spoilt, {pace}"


def outcome(signals: Sequence[int], sent: int, count: int) -> Exit:
    """Return the exit status: Ctrl-C is the way to end it where no count was asked for; SIGTERM is none anywhere."""
    if not signals or 0 < count <= sent:
        return Exit.OK
    if signals[0] == signal.SIGTERM:
        return Exit.TERMINATED
    return Exit.INTERRUPTED if count else Exit.OK


@contextmanager
def ends_on_signal(stop: Stop) -> Iterator[list[int]]:
    """Let Ctrl-C and SIGTERM ask for the end instead of breaking off, so that what is under way is still written.

    Yields the numbers of those that came, in their order.
    """
    signals: list[int] = []

    def heard(number: int, _: object) -> None:
        signals.append(number)
        stop.set()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
