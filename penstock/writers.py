"""Formats of outputs: how the bytes of a result are written for its user."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from penstock.errors import TransformError

__all__ = ["Parts", "Writer", "tagged_writer", "text_of", "write_json", "write_text", "write_value"]

_decode_text = msgspec.json.Decoder(str).decode


class Parts(NamedTuple):
    """A result as far as outputs need it, each part as JSON text."""

    whole: bytes | None = None
    """What the output's transforms made of the result; None is the result's own bytes."""
    input: bytes | None = None
    prediction: bytes | None = None


Writer = Callable[[Parts], bytes | None]
"""Makes an output's value; None means the result's own bytes."""


def write_json(parts: Parts) -> bytes | None:
    """Write the whole result."""
    return parts.whole


def write_value(parts: Parts) -> bytes:
    """Write the prediction alone, as JSON."""
    return _prediction(parts, "value")


def write_text(parts: Parts) -> bytes:
    """Write the prediction alone, as text."""
    return text_of(_prediction(parts, "text"))


def tagged_writer(separator: str) -> Writer:
    """Write ``message###prediction``, the message being the event as it was sent."""
    between = separator.encode()

    def write(parts: Parts) -> bytes:
        if parts.input is None:
            lack = "format 'tagged' needs the input, which the result does not carry; was the event bytes?"
            raise TransformError("output", lack)
        return text_of(parts.input) + between + text_of(_prediction(parts, "tagged"))

    return write


def text_of(json: bytes) -> bytes:
    """Return the text of a JSON string, any other JSON as it is."""
    return _decode_text(json).encode() if json.startswith(b'"') else json


def _prediction(parts: Parts, form: str) -> bytes:
    if parts.prediction is None:
        raise TransformError("output", f"format {form!r} needs the field 'prediction', which the transforms removed")
    return parts.prediction
