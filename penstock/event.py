"""What crosses a topic: header names, content types, coordinates, and how headers cross to the engine."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from penstock.errors import EnvelopeError, OversizeError

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
    "MILLISECONDS",
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
    "Deliveries",
    "Delivery",
    "Record",
    "TimeTexts",
    "ce_time",
    "coordinates",
    "own_headers",
    "pack_headers",
    "record_size",
    "refuse_oversize",
    "size_bound",
    "unpack_headers",
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

# Kafka's estimateSizeInBytesUpperBound for one record in a batch of its own: batch header 61 bytes, the rest is the
# record's own lengths and deltas. Too low, and a record that we let pass fails the whole job in its producer.
_RECORD_OVERHEAD = 70
# Two variable-length integers around each header's key and value, at most five bytes each.
_HEADER_OVERHEAD = 10


Delivery = tuple[str | None, bytes | None, str]
"""One row of `Deliveries`: topic, value, packed headers."""


class Record(NamedTuple):
    """A record as the engine hands it over, in the order of the columns that a batch has."""

    value: bytes | None
    key: bytes | None
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    headers: str | None
    """The record's own headers as the text of a JSON object; None where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What becomes of a batch: three columns of the batch's length, row by row.

    ``topics`` says where the record goes (None: nowhere), ``values`` what it carries (None: the original's bytes),
    ``headers`` which headers are added, packed; an added header replaces one of the same name.
    """

    topics: list[str | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    def add(self, delivery: Delivery) -> None:
        """Append one row."""
        topic, value, headers = delivery
        self.topics.append(topic)
        self.values.append(value)
        self.headers.append(headers)


def coordinates(topic: str, partition: int, offset: int) -> str:
    """Where a record stands: ``topic/partition/offset``, the one form used in headers, logs and messages."""
    return f"{topic}/{partition}/{offset}"


class TimeTexts(dict[int, str]):
    """RFC 3339 texts by whole second since 1970, made on first use: neighbours in a stream share their second.

    Raises `EnvelopeError` for a second outside of the years that RFC 3339 can write.
    """

    # 4096 seconds are more than an hour of live traffic; a replay of years would otherwise fill the memory.
    _KEPT = 4096

    def __missing__(self, second: int) -> str:
        try:
            text = datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()
        except (ValueError, OverflowError, OSError) as error:
            msg = f"the record's timestamp is {second} s since 1970, beyond the year 9999; is it in milliseconds?"
            raise EnvelopeError(msg) from error
        if len(self) >= self._KEPT:
            self.clear()
        self[second] = text
        return text


MILLISECONDS = tuple(f".{millis:03d}Z" for millis in range(1000))
"""How the time text ends, by millisecond within the second."""

_TIMES = TimeTexts()


def ce_time(timestamp_ms: int) -> str:
    """A Kafka timestamp (milliseconds since 1970, UTC) as RFC 3339, as in ``2026-01-02T03:04:05.678Z``.

    Raises `EnvelopeError` for a time outside of the years 1 to 9999.
    """
    return _TIMES[timestamp_ms // 1000] + MILLISECONDS[timestamp_ms % 1000]


def pack_headers(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Headers as one string; control characters in keys and values become U+FFFD, so that nothing can break it."""
    items = headers.items() if isinstance(headers, Mapping) else headers
    return ENTRY_SEPARATOR.join(f"{_safe(key)}{KEY_SEPARATOR}{_safe(value)}" for key, value in items)


def _safe(text: str) -> str:
    return text if text.isprintable() else _UNSAFE.sub(_REPLACEMENT, text)


def unpack_headers(packed: str) -> dict[str, str]:
    """What `pack_headers` packed; an empty string is no headers."""
    if not packed:
        return {}
    pairs = (entry.partition(KEY_SEPARATOR) for entry in packed.split(ENTRY_SEPARATOR))
    return {key: value for key, _, value in pairs}


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


def record_size(key: bytes | None, value: bytes | None, added: Mapping[str, str], own: Mapping[str, str]) -> int:
    """Bytes that the record needs in Kafka at most, estimated as Kafka's own producer does before it sends.

    An added header replaces the record's own of the same name.
    """
    size = _RECORD_OVERHEAD + len(key or b"") + len(value or b"")
    for name, text in {**own, **added}.items():
        size += _HEADER_OVERHEAD + len(name.encode(errors="replace")) + len(text.encode(errors="replace"))
    return size


def size_bound(key: bytes | None, value: bytes | None, packed: str, own: str | None) -> int:
    """Return a number of bytes that `record_size` does not exceed, without a look into the headers.

    A character is at most four bytes, and a header's overhead is less than four times its separators and name.
    """
    bound = _RECORD_OVERHEAD + 4 * len(packed)
    if value:
        bound += len(value)
    if key:
        bound += len(key)
    if own:
        bound += 4 * len(own)
    return bound


def refuse_oversize(key: bytes | None, value: bytes | None, packed: str, own: str | None, limit: int) -> None:
    """Raise `OversizeError` for a record above the limit, in bytes."""
    if size_bound(key, value, packed, own) > limit:
        size = record_size(key, value, unpack_headers(packed), own_headers(own))
        if size > limit:
            raise OversizeError(size, limit)
