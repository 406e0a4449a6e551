"""Routing documents as commands are given them: a file, standard input, or the one in force."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from penstock.errors import RoutingDocumentError
from penstock.routing.positions import examine

if TYPE_CHECKING:
    from penstock.routing.document import RoutingDocument

__all__ = ["STDIN", "Written", "document_path", "name_of", "read", "written"]

STDIN = Path("-")
#: A file that is there, or ``-``.
document_path = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


class Written(NamedTuple):
    """A sound document as somebody wrote it."""

    name: str
    document: RoutingDocument
    text: str


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
        raise RoutingDocumentError(tuple(f"{name_of(path)}:{fault}" for fault in faults))
    return Written(name_of(path), document, source.decode("utf-8-sig"))
