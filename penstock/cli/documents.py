"""Routing documents as commands are given them: a file, standard input, or the one in force."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from penstock import topics
from penstock.cli.whereabouts import present_topics
from penstock.control import history
from penstock.errors import RoutingDocumentError
from penstock.routing.document import load
from penstock.routing.positions import examine
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["STDIN", "Known", "Written", "document_path", "known", "name_of", "read", "written"]

STDIN = Path("-")
#: A file that is there, or ``-``.
document_path = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


class Written(NamedTuple):
    """A sound document as somebody wrote it."""

    name: str
    document: RoutingDocument
    text: str


class Known(NamedTuple):
    """The document that an installation goes by, and where it was found."""

    document: RoutingDocument
    found: str
    published_ms: int
    """In milliseconds since 1970, from which ramps count; now, where it never was."""


def known(settings: Settings) -> Known:
    """Return the document in force; where the broker has none, that of the settings' routing_file.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: the routing topic is there, and cannot be followed.
        RoutingDocumentError: none is in force, and the file has faults.
    """
    topic = topics.control_routing(settings.topics.prefix)
    there = topic in present_topics(settings.kafka.internal_cluster)
    live = history.current(settings) if there else None
    if live is not None:
        return Known(live.document, "in force", live.published_ms)
    document = load(settings.routing_file, prefix=settings.topics.prefix)
    return Known(document, f"of {str(settings.routing_file)!r}, as none is in force on {topic!r}", now_ms())


def name_of(path: Path) -> str:
    """Return what messages call a file."""
    return "standard input" if path == STDIN else str(path)


def read(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        RoutingDocumentError: it cannot be read.
    """
    if path == STDIN:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise RoutingDocumentError((f"the file {str(path)!r} cannot be read: {error.strerror}",)) from error


def written(path: Path, prefix: str) -> Written:
    """Read a document from a file.

    Raises:
        RoutingDocumentError: with every fault, and where in the file it is.
    """
    source = read(path)
    document, faults = examine(source, prefix)
    if document is None:
        raise RoutingDocumentError(tuple(fault.in_file(name_of(path)) for fault in faults))
    return Written(name_of(path), document, source.decode("utf-8-sig"))
