"""One Kafka record as the tools show it: as a block of text for people, or as one line of JSON for scripts. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from penstock.errors import EnvelopeError
from penstock.event import ce_time, coordinates

__all__ = [
    "Record",
    "as_object",
    "as_text",
    "header_lines",
    "image_format",
    "json_bytes",
    "json_line",
    "printable",
    "rfc3339",
    "shown",
]

#: What a JSON form holds for bytes: their text, ``{"base64": ...}`` where they are not UTF-8, or null.
JsonBytes = str | dict[str, str] | None
#: What the bytes of an image begin with.
_IMAGES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it was read; ``timestamp`` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def coordinates(self) -> str:
        """Where the record lies: topic/partition/offset."""
        return coordinates(self.topic, self.partition, self.offset)

    def header(self, name: str) -> str | None:
        """The last header of that name as text, or None; the last one counts, as in Kafka's own clients."""
        found = next((value for key, value in reversed(self.headers) if key == name), None)
        return None if found is None else found.decode("utf-8", "replace")


def rfc3339(timestamp_ms: int) -> str:
    """A timestamp as people read it, in UTC with milliseconds; the number itself where it is no date."""
    try:
        return ce_time(timestamp_ms)
    except EnvelopeError:
        return str(timestamp_ms)


def json_bytes(content: bytes | None) -> JsonBytes:
    """Bytes for JSON: text exactly where they are UTF-8, else base64."""
    if content is None:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def as_object(record: Record) -> dict[str, object]:
    """The record for JSON. A header name that occurs twice gives its last value."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": json_bytes(record.key),
        "headers": {name: json_bytes(value) for name, value in record.headers},
        "value": json_bytes(record.value),
    }


def json_line(content: object) -> str:
    """One line of JSON, with people's letters left readable."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def shown(content: bytes | None, absent: str = "(null)") -> str:
    """Bytes for a terminal: their text with control characters escaped, or base64 where they are not UTF-8."""
    text = json_bytes(content)
    if text is None:
        return absent
    if isinstance(text, dict):
        return f"base64:{text['base64']}"
    return printable(text)


def _value(content: bytes | None) -> str:
    """A value for a terminal: of an image only what it is, which says more than its base64."""
    name = image_format(content or b"")
    return f"({name} image, {len(content or b''):,} bytes)" if name else shown(content)


def image_format(content: bytes) -> str | None:
    """What kind of image begins like this; None: none that is known here."""
    return next((name for name, begin in _IMAGES.items() if content.startswith(begin)), None)


def printable(text: str) -> str:
    """Text that cannot act on a terminal: control characters but tabs and line breaks are escaped."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else _escaped(letter) for letter in text)


def as_text(record: Record, *, headers: bool = True) -> str:
    """The record as a block: where and when, its key, its headers indented, its value on a line of its own."""
    lines = [f"{record.coordinates}  {rfc3339(record.timestamp)}  key {_on_one_line(record.key)}"]
    if headers:
        lines += header_lines(record)
    return "\n".join([*lines, _value(record.value), ""])


def header_lines(record: Record) -> list[str]:
    """The record's headers, a line each, by name: the engine hands them on in any order."""
    by_name = sorted(record.headers, key=lambda header: header[0])
    return [f"  {_on_one_line(name.encode())}: {_on_one_line(value)}" for name, value in by_name]


def _on_one_line(content: bytes | None) -> str:
    return shown(content).replace("\n", "\\n")


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
