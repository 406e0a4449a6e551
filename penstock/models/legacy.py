"""The predecessor's control messages: a model added, or deleted, by a UUID and a number. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from penstock.models.ref import ModelRef

__all__ = ["Kind", "LegacyOperation", "operations"]


class Kind(StrEnum):
    """What a message asks for."""

    ADD = "add"
    DELETE = "delete"


class LegacyOperation(NamedTuple):
    """One message."""

    kind: Kind
    ref: ModelRef
    path: str | None
    """Where the model's file is: a path or a URI; None where it is deleted."""
    at: int | None
    """When it happened, in milliseconds since 1970, where the message says so."""


def operations(text: str) -> list[LegacyOperation]:
    """Read messages, in their order, from JSON lines or from one JSON array.

    Raises `LegacyError` that names the line and the fault.
    """
    raise NotImplementedError(text)
