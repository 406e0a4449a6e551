"""``penstock send``: events from a file or from standard input."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from penstock.cli.exits import Exit
from penstock.cli.options import with_settings
from penstock.cli.sending import Sender, closing_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock.settings import Settings

__all__ = ["Framing", "messages", "parse_header", "send"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How an input is cut into events."""

    whole: bool = False
    key: str | None = None
    key_separator: str | None = None

    def fault(self) -> str | None:
        """Why the options do not go together, or None."""
        if self.key is not None and self.key_separator is not None:
            return "--key gives every event one key, --key-separator finds a key in each: give one of them"
        if self.whole and self.key_separator is not None:
            return "--key-separator needs lines, and --whole has none; --key gives a key"
        if self.key_separator == "":
            return "--key-separator is empty; give the text between key and value, such as ':'"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event to send and what it is called in a complaint; ``fault`` says why it cannot be sent."""

    what: str
    key: bytes | None = None
    value: bytes = b""
    fault: str | None = None


def messages(source: Iterable[bytes], framing: Framing) -> Iterator[Message]:
    """Cut an input into events: one a line without its line break, blank lines left out, or all of it as one."""
    key = None if framing.key is None else framing.key.encode()
    if framing.whole:
        yield Message(what="the whole input", key=key, value=b"".join(source))
        return
    for number, line in enumerate(source, 1):
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        if not text.strip():
            continue
        what = f"line {number}"
        if framing.key_separator is None:
            yield Message(what=what, key=key, value=text)
            continue
        found, separator, value = text.partition(framing.key_separator.encode())
        if separator:
            yield Message(what=what, key=found or None, value=value)
        else:
            yield Message(what=what, fault=f"no separator {framing.key_separator!r} between key and value")


def parse_header(text: str) -> tuple[str, bytes]:
    """A header from ``name=value``; the value may hold further ``=``.

    Raises:
        ValueError: there is no ``=``, or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"expected name=value, got {text!r}")
    return name, value.encode()


def _headers(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> list[tuple[str, bytes]]:
    try:
        return [parse_header(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(
    epilog="""\b
Examples:
  echo '{"type":"iris","sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}' \\
    | penstock send events
  penstock send events --file events.jsonl --header origin=replay
  echo 'u1:5.1,3.5,1.4,0.2' | penstock send csv-events --key-separator :
  penstock send images --file cat.png --whole --key cat

Blank lines are left out. A topic that does not exist is an error: it is never created.

Exit status: 0 all were acknowledged, 1 some were not, or the topic does not exist, 2 wrong usage,
3 Kafka cannot be used."""
)
@click.argument("topic")
@click.option("--file", type=click.File("rb"), help="File to read instead of standard input.")
@click.option("--whole", is_flag=True, help="The whole input is one event, byte for byte; else one event a line.")
@click.option("--key", help="Key of every event.")
@click.option("--key-separator", metavar="TEXT", help="Each line is KEY, this text, VALUE; cut at the first one.")
@click.option("--header", multiple=True, callback=_headers, metavar="NAME=VALUE", help="Header to add; repeatable.")
@with_settings
def send(
    settings: Settings, topic: str, file: BinaryIO | None, header: list[tuple[str, bytes]], **framing: Any
) -> None:
    """Send events to TOPIC, from standard input or a file."""
    how = Framing(**framing)
    if fault := how.fault():
        raise click.UsageError(fault)
    refused = 0
    sender = Sender(settings, topic)
    try:
        with sender:
            for message in messages(_input(file), how):
                if message.fault is None:
                    sender.send(message.what, message.key, message.value, header)
                else:
                    refused += 1
                    click.echo(f"{message.what}: {message.fault}; not sent", err=True)
    finally:  # after Ctrl-C too
        click.echo(closing_line(sender, topic))
    sender.complain()
    if refused:
        raise click.exceptions.Exit(Exit.FAILED)


def _input(file: BinaryIO | None) -> BinaryIO:
    if file is None and sys.stdin.isatty():
        click.echo("reading events from the terminal, one a line; Ctrl-D ends", err=True)
    return file or sys.stdin.buffer
