"""What crosses a topic: header names, content types, coordinates, and how headers cross to the engine."""

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from penstock.errors import DeadlineError, EnvelopeError, OversizeError, shown

__all__ = [
    "CE_ID",
    "CE_SOURCE",
    "CE_SPECVERSION",
    "CE_TIME",
    "CE_TYPE",
    "CONFIG_VERSION",
    "CONTENT_TYPE",
    "CSV",
    "DEADLINE",
    "ENTRY_SEPARATOR",
    "JSON",
    "KEY_SEPARATOR",
    "MODEL",
    "OCTETS",
    "OWN_PREFIX",
    "REQUEST",
    "RESULT",
    "ROUTE",
    "SHADOW",
    "SOURCE",
    "SPECVERSION",
    "TEXT",
    "VARIANT",
    "Blank",
    "Deliveries",
    "Delivery",
    "added_size",
    "ce_time",
    "coordinates",
    "deadline_of",
    "own_headers",
    "pack_headers",
    "pack_more",
    "refuse_late",
    "refuse_oversize",
    "unpack_headers",
    "unpack_more",
]

# CloudEvents attributes in Kafka's binary mode (CloudEvents Kafka protocol binding 1.0.2, section 3.2).
CE_SPECVERSION = "ce_specversion"
CE_ID = "ce_id"
CE_SOURCE = "ce_source"
CE_TYPE = "ce_type"
CE_TIME = "ce_time"
CONTENT_TYPE = "content-type"
SPECVERSION = "1.0"

# Penstock's own headers; a result always says which event, route, variant, model and document version made it.
OWN_PREFIX = "penstock-"
ROUTE = "penstock-route"
VARIANT = "penstock-variant"
MODEL = "penstock-model"
CONFIG_VERSION = "penstock-config-version"
SOURCE = "penstock-source"
SHADOW = "penstock-shadow"
DEADLINE = "penstock-deadline"
"""Milliseconds from the record's own timestamp, which every hop keeps: so that the header is the same for all events of
a route, and costs none of them anything."""

JSON = "application/json"
TEXT = "text/plain"
CSV = "text/csv"
OCTETS = "application/octet-stream"
REQUEST = "application/vnd.penstock.request+json"
RESULT = "application/vnd.penstock.result+json"

# One string carries all headers that are added to a record: ASCII's own record and unit separators keep the entries
# apart, so nothing needs escaping once control characters are gone from the texts.
ENTRY_SEPARATOR = "\x1e"
KEY_SEPARATOR = "\x1f"
# Lone surrogates go with the control characters: they cannot be written as UTF-8.
_UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


class Blank(StrEnum):
    """A header's value that the engine fills in: what is different for each record need not cross to Python."""

    PLACE = "\x1a"
    """The record's coordinates."""
    TIME = "\x19"
    """The record's timestamp in RFC 3339 form; nothing where that has no year of four digits."""


# Sizes are estimated from above, like Kafka's own estimateSizeInBytesUpperBound: too low, and a record that we let pass
# fails the whole job in its producer. Around each header's key and value stand two integers of at most five bytes.
_HEADER_OVERHEAD = 10
# A topic's name of at most 249 characters, a partition of 10 digits, an offset of 19, two slashes; and 24 for the time.
_BLANK_BYTES = ((Blank.PLACE, 280), (Blank.TIME, 24))


Delivery = tuple[str | None, bytes | None, str]
"""One row of `Deliveries`: topic, value, packed headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What becomes of a batch: four columns of the batch's length, row by row.

    ``topics`` says where the record goes (None: nowhere), ``values`` what it carries (None: the original's bytes),
    ``headers`` which headers are added, packed; an added header replaces one of the same name. ``more`` holds further
    records that are made of the same one, packed by `pack_more`; None, as for most: there are none.
    """

    topics: list[str | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    more: list[bytes | None] = field(default_factory=list)

    def add(self, delivery: Delivery) -> None:
        """Append one row."""
        topic, value, headers = delivery
        self.topics.append(topic)
        self.values.append(value)
        self.headers.append(headers)
        self.more.append(None)


def coordinates(topic: str, partition: int, offset: int) -> str:
    """Where a record stands: ``topic/partition/offset``, the one form used in headers, logs and messages."""
    return f"{topic}/{partition}/{offset}"


def ce_time(timestamp_ms: int) -> str:
    """A Kafka timestamp (milliseconds since 1970, UTC) as RFC 3339, as in ``2026-01-02T03:04:05.678Z``.

    Raises `EnvelopeError` for a time outside of the years 1 to 9999.
    """
    second, millis = divmod(timestamp_ms, 1000)
    try:
        text = datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        msg = f"the record's timestamp is {second} s since 1970, beyond the year 9999; is it in milliseconds?"
        raise EnvelopeError(msg) from error
    return f"{text}.{millis:03d}Z"


def pack_headers(headers: Mapping[str, str]) -> str:
    """Headers as one string; control characters in keys and values become U+FFFD, so that nothing can break it.

    A `Blank` stays what it is; a text that looks like one does not.
    """
    return ENTRY_SEPARATOR.join(f"{_safe(key)}{KEY_SEPARATOR}{_safe(value)}" for key, value in headers.items())


def _safe(text: str) -> str:
    return text if text.isprintable() or isinstance(text, Blank) else _UNSAFE.sub(_REPLACEMENT, text)


def unpack_headers(packed: str) -> dict[str, str]:
    """What `pack_headers` packed; an empty string is no headers."""
    if not packed:
        return {}
    pairs = (entry.partition(KEY_SEPARATOR) for entry in packed.split(ENTRY_SEPARATOR))
    return {key: value for key, _, value in pairs}


def pack_more(records: Iterable[Delivery]) -> bytes:
    """Records as bytes: of each the topic, the value and the packed headers, in their order.

    A field is its length (four bytes, the highest first) and its bytes, texts in UTF-8; a value that is None has length
    -1 and no bytes. Every record has a topic.
    """
    fields = (part for topic, value, headers in records for part in ((topic or "").encode(), value, headers.encode()))
    return b"".join(_NONE if part is None else _LENGTH.pack(len(part)) + part for part in fields)


def unpack_more(packed: bytes | None) -> list[Delivery]:
    """What `pack_more` packed; None is no records."""
    fields: list[bytes | None] = []
    at = 0
    while packed and at < len(packed):
        (length,) = _LENGTH.unpack_from(packed, at)
        at += _LENGTH.size
        fields.append(None if length < 0 else packed[at : at + length])
        at += max(length, 0)
    texts = iter(fields)
    return [
        ((topic or b"").decode(), value, (headers or b"").decode())
        for topic, value, headers in zip(*[texts] * 3, strict=True)
    ]


_LENGTH = struct.Struct(">i")
_NONE = _LENGTH.pack(-1)
_MOST_DIGITS = 18
_HEADERS = msgspec.json.Decoder(dict[str, str | None])


def own_headers(text: str | None) -> dict[str, str]:
    """A record's own headers from the JSON object in which the engine hands them over; null values are left out.

    Raises `EnvelopeError` where the text is no such object.
    """
    if text is None:
        return {}
    try:
        headers = _HEADERS.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        msg = f"the record's headers cannot be read: {error}"
        raise EnvelopeError(msg) from error
    return {key: value for key, value in headers.items() if value is not None}


def added_size(packed: str) -> int:
    """Bytes that packed headers add to a record in Kafka at most, blanks filled in."""
    if not packed:
        return 0
    headers = packed.count(KEY_SEPARATOR)
    separators = 2 * headers - 1
    blanks = sum(packed.count(blank) * (filled - 1) for blank, filled in _BLANK_BYTES)
    return len(packed.encode()) - separators + headers * _HEADER_OVERHEAD + blanks


def refuse_oversize(size: int, limit: int) -> None:
    """Raise `OversizeError` for a record above the limit, both in bytes."""
    if size > limit:
        raise OversizeError(size, limit)


def deadline_of(text: str) -> int:
    """Read the header `DEADLINE`. Raises `EnvelopeError` where it is no whole number of milliseconds."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise EnvelopeError(f"the header {DEADLINE!r} is {shown(text)}, expected a whole number of milliseconds")
    return int(text)


def refuse_late(timestamp_ms: int, deadline_ms: int, now_ms: int) -> None:
    """Raise `DeadlineError` for an event that is older than it may be; times are in milliseconds since 1970."""
    age_ms = now_ms - timestamp_ms
    if age_ms > deadline_ms:
        raise DeadlineError(age_ms, deadline_ms)
