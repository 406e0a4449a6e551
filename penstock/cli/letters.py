"""Dead letters as the ``deadletters`` commands select, count and show them. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from penstock.cli.records import Record, as_object, header_lines, json_bytes, rfc3339, shown
from penstock.cli.tables import table
from penstock.deadletter import Cause
from penstock.event import CE_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Aspect", "Letter", "Selection", "as_summary", "as_whole", "counts", "listing", "page"]

_BYTES_A_LINE = 16
_PRINTABLE = range(0x20, 0x7F)  # ASCII's letters, digits and signs
_NO_CAUSE = Cause(
    code="(none)", reason="no cause in its headers: Penstock did not write it", stage="", component="", record=""
)


class Aspect(StrEnum):
    """What dead letters can be counted by."""

    CODE = "code"
    STAGE = "stage"
    ROUTE = "route"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Letter:
    """A record of the dead-letter topic, and the cause that its headers tell."""

    record: Record
    cause: Cause

    @classmethod
    def of(cls, record: Record) -> Letter:
        """Read the cause from a record's headers."""
        headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
        return cls(record, Cause.parse(headers) or _NO_CAUSE)

    @property
    def place(self) -> str:
        """Where it lies in the dead-letter topic: partition/offset."""
        return f"{self.record.partition}/{self.record.offset}"

    @property
    def failed_ms(self) -> int:
        """When it failed, in ms since 1970; where nobody wrote that down, when its event came."""
        return self.record.timestamp if self.cause.failed_ms is None else self.cause.failed_ms

    @property
    def age_order(self) -> tuple[int, int, int]:
        """Sorts letters by the time at which they failed, then by where they lie."""
        return self.failed_ms, self.record.partition, self.record.offset

    def goes_by(self, name: str) -> bool:
        """Whether a name means this letter: its place, its event's ce_id, or where the failed record or event lies."""
        return bool(name) and name in {self.place, self.record.header(CE_ID), self.cause.record, self.cause.source}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters are wanted; an empty tuple or None wants all. Times are those of failing, in ms since 1970."""

    code: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    route: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is wanted. A model without version means all of its versions."""
        cause, time = letter.cause, letter.failed_ms
        models = {cause.model, (cause.model or "").partition(":")[0]}
        return (
            (not self.code or cause.code in self.code)
            and (not self.stage or cause.stage in self.stage)
            and (not self.route or cause.route in self.route)
            and (not self.model or bool(models & set(self.model)))
            and (self.since is None or time >= self.since)
            and (self.until is None or time < self.until)
        )


def listing(letters: Sequence[Letter]) -> str:
    """A table of letters, a line each."""
    return table(
        ["letter", "failed at", "code", "stage", "route", "model", "source", "reason"],
        [
            [
                letter.place,
                rfc3339(letter.failed_ms),
                letter.cause.code,
                letter.cause.stage or None,
                letter.cause.route,
                letter.cause.model,
                letter.cause.source or letter.cause.record or None,
                letter.cause.reason,
            ]
            for letter in letters
        ],
    )


def as_summary(letter: Letter) -> dict[str, object]:
    """A letter for JSON without its value: where it lies, its cause, its key."""
    return {
        "letter": letter.place,
        "timestamp": letter.record.timestamp,
        "id": letter.record.header(CE_ID),
        **asdict(letter.cause),
        "failed_ms": letter.failed_ms,
        "key": json_bytes(letter.record.key),
    }


def as_whole(letter: Letter) -> dict[str, object]:
    """A letter for JSON with everything."""
    return {**as_summary(letter), **as_object(letter.record)}


def page(letter: Letter) -> str:
    """A letter with everything, for a person to read."""
    record, cause = letter.record, letter.cause
    facts = {
        "letter": f"{letter.place} of {record.topic}",
        "failed at": rfc3339(letter.failed_ms),
        "event time": rfc3339(record.timestamp),
        "code": cause.code,
        "reason": cause.reason,
        "stage": f"{cause.stage} ({cause.component})",
        "failed record": cause.record,
        "source": cause.source,
        "route": cause.route,
        "model": cause.model,
        "config version": cause.config_version,
        "attempts": cause.attempts,
        "key": shown(record.key),
    }
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {'-' if fact in {None, ''} else fact}" for name, fact in facts.items()]
    lines += ["headers", *header_lines(record)]
    size = "none" if record.value is None else f"{len(record.value):,} bytes"
    return "\n".join([*lines, f"value ({size})", *_body(record.value), ""])


def counts(letters: Iterable[Letter], by: Aspect) -> list[tuple[str | None, int]]:
    """How many letters have each code, stage, route or model; the most first. None: those that have none."""
    found = Counter(getattr(letter.cause, by) or None for letter in letters)
    return sorted(
        ((name and str(name), number) for name, number in found.items()), key=lambda one: (-one[1], one[0] or "")
    )


def _body(value: bytes | None) -> list[str]:
    """Text as it is; bytes that are not text as a dump: offset, 16 bytes in hex, the letters among them."""
    if value is None:
        return []
    if isinstance(json_bytes(value), str):
        return [shown(value)]
    return [_dumped(start, value[start : start + _BYTES_A_LINE]) for start in range(0, len(value), _BYTES_A_LINE)]


def _dumped(start: int, piece: bytes) -> str:
    letters = "".join(chr(byte) if byte in _PRINTABLE else "." for byte in piece)
    return f"{start:08x}  {piece.hex(' '):<{_BYTES_A_LINE * 3 - 1}}  {letters}"
