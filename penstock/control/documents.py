"""Which routing document is in force: a state machine over the messages of the control topic. Pure: no Kafka.

Every worker that is given the same messages comes to the same document: versions only grow, and a message that is no
good document changes nothing.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import yaml

from penstock.control.messages import Message, Verdict, VerdictKind
from penstock.errors import (
    KafkaUnavailableError,
    PenstockError,
    RoutingDocumentError,
    TopicError,
)
from penstock.routing.document import DEFAULT_PREFIX, RoutingDocument, load

__all__ = ["Apply", "Documents", "LiveDocument"]

_NO_VALUE = "the message has no value; a document is replaced by a newer one, never deleted"
#: The quick reader, where it was built.
_EVENTS = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Longer numbers are no versions, and slow to read; one with a leading zero would be octal.
_MOST_DIGITS = 18
#: So many earlier documents are held ready; of the others only the text, for ten thousand routes are 30 MB of objects.
_HELD = 4
#: What may be gone a moment later, without any change to the document.
_PASSING = (KafkaUnavailableError, TopicError)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDocument:
    """A document as it was published."""

    document: RoutingDocument
    text: str
    published_ms: int
    offset: int

    @property
    def version(self) -> int:
        """The document's own version."""
        return self.document.version


Apply = Callable[[LiveDocument], None]
"""Puts a document in force, or raises: then it is rejected, and the last one stays in force."""


def _nothing(live: LiveDocument) -> None:
    pass


class _Kept(NamedTuple):
    """A message that may be asked for again, made small: hundreds of them are kept."""

    packed: bytes
    published_ms: int
    offset: int

    @classmethod
    def of(cls, message: Message) -> Self:
        """Make a message small."""
        return cls(zlib.compress(message.value or b"", 1), message.published_ms, message.offset)

    def message(self) -> Message:
        """Return it as it was."""
        return Message(value=zlib.decompress(self.packed), published_ms=self.published_ms, offset=self.offset)


class Documents:
    """The document in force, and earlier ones by their version.

    One thread offers; any thread may read.
    """

    def __init__(self, *, prefix: str = DEFAULT_PREFIX, remembered: int = 200) -> None:
        """Begin with no document.

        Args:
            prefix: of internal topics.
            remembered: how many versions can be asked for, the one in force included.
        """
        self._prefix = prefix
        self._remembered = remembered
        self._current: LiveDocument | None = None
        # Neither is ever changed, only replaced: other threads read them, and what they find they remember.
        self._remembering = threading.Lock()
        self._held: dict[int, LiveDocument] = {}
        self._kept: dict[int, tuple[_Kept, ...]] = {}

    @property
    def current(self) -> LiveDocument | None:
        """The document in force."""
        return self._current

    def version(self, number: int) -> LiveDocument | None:
        """The document of a version that is or was in force, if it is remembered."""
        current = self._current
        if current is not None and current.version == number:
            return current
        found = self._held.get(number)
        if found is None:
            read = (self._read(kept.message()) for kept in self._kept.get(number, ()))
            found = next((each for each in read if isinstance(each, LiveDocument) and each.version == number), None)
            if found is not None:
                self._hold(found)
        return found

    def offer(self, value: bytes | None, published_ms: int, offset: int, apply: Apply = _nothing) -> Verdict:
        """Take the next message of the topic; never raises, whatever the bytes are."""
        found = self._read(Message(value=value, published_ms=published_ms, offset=offset))
        if isinstance(found, tuple):
            return Verdict(kind=VerdictKind.REJECTED, offset=offset, version=version_of(value), reasons=found)
        fault = self._not_above_current(found)
        if fault is not None:
            return fault
        try:
            apply(found)
        except Exception as error:  # noqa: BLE001 (the boundary of a document: what is wrong with it changes nothing)
            return Verdict(
                kind=VerdictKind.REJECTED,
                offset=offset,
                version=found.version,
                reasons=_reasons(error),
                passing=isinstance(error, _PASSING),
            )
        self._keep({found.version: (Message(value=value, published_ms=published_ms, offset=offset),)})
        self._hold(found)
        self._current = found
        return Verdict(kind=VerdictKind.APPLIED, offset=offset, version=found.version)

    def recover(self, messages: Sequence[Message], apply: Apply = _nothing) -> list[Verdict]:
        """Take all messages that the topic holds, in their order, and apply one document only: the last in force.

        The outcome is that of offering them one by one, but documents before the last are read when they are asked
        for. Returns what became of the one that was applied, of later ones that promised more, and of the newest.
        """
        versions = [self._version(message) for message in messages]
        stamped = [(number, one) for number, one in zip(versions, messages, strict=True) if number is not None]
        # One by one, the highest version wins, and of several with this version the first.
        ordered = sorted(stamped, key=lambda pair: (-pair[0], pair[1].offset))
        verdicts = []
        for _, message in ordered:
            verdicts.append(self.offer(message.value, message.published_ms, message.offset, apply))
            if verdicts[-1].kind is VerdictKind.APPLIED:
                break
        if self._current is not None:
            self._keep(_by_version(stamped, self._current.version, self._remembered))
        newest = messages[-1] if messages else None
        if newest is not None and newest.offset not in {verdict.offset for verdict in verdicts}:
            verdicts.append(self.offer(newest.value, newest.published_ms, newest.offset, apply))
        since = self._current.offset if self._current else 0
        return sorted((verdict for verdict in verdicts if verdict.offset >= since), key=lambda verdict: verdict.offset)

    def _version(self, message: Message) -> int | None:
        """The version that a message offers: found quickly if that can be, else by reading all of it."""
        quick = version_of(message.value)
        if quick is not None:
            return quick
        read = self._read(message)
        return read.version if isinstance(read, LiveDocument) else None

    def _read(self, message: Message) -> LiveDocument | tuple[str, ...]:
        """The document of a message, or why there is none in it."""
        if message.value is None:
            return (_NO_VALUE,)
        try:
            text = message.value.decode("utf-8-sig")
            document = load(text, prefix=self._prefix)
        except UnicodeDecodeError as error:
            return (f"the message is not UTF-8: {error.reason} at byte {error.start}",)
        except Exception as error:  # noqa: BLE001 (the boundary of a document: no bytes may end a worker)
            return _reasons(error)
        return LiveDocument(document=document, text=text, published_ms=message.published_ms, offset=message.offset)

    def _not_above_current(self, offered: LiveDocument) -> Verdict | None:
        current = self._current
        if current is None or offered.version > current.version:
            return None
        if offered.document == current.document:
            return Verdict(kind=VerdictKind.DUPLICATE, offset=offered.offset, version=offered.version)
        found = f"version: {offered.version} is not above {current.version}, which is in force"
        if offered.version == current.version:
            found = f"version: {current.version} is in force already, with another content"
        return Verdict(
            kind=VerdictKind.REJECTED,
            offset=offered.offset,
            version=offered.version,
            reasons=(f"{found}; raise it to {current.version + 1} or more",),
        )

    def _keep(self, messages: Mapping[int, Sequence[Message]]) -> None:
        """Keep messages by their versions, beside those that are kept already; the newest versions only."""
        with self._remembering:
            kept = {**self._kept, **{number: tuple(map(_Kept.of, each)) for number, each in messages.items()}}
            self._kept = {number: kept[number] for number in sorted(kept)[-self._remembered :]}

    def _hold(self, live: LiveDocument) -> None:
        """Hold a document ready, in the place of the one that was read the longest ago."""
        with self._remembering:
            held = {**{number: each for number, each in self._held.items() if number in self._kept}, live.version: live}
            self._held = {number: held[number] for number in list(held)[-_HELD:]}


def version_of(value: bytes | None) -> int | None:
    """The top-level version that a message's text gives in plain digits; None where it takes more to tell.

    It reads no further than there: it may be the version of a document that is broken.
    """
    try:
        text = (value or b"").decode("utf-8-sig")
        events = yaml.parse(text, Loader=_EVENTS)
        if not isinstance(next(event for event in events if not isinstance(event, _BEFORE)), yaml.MappingStartEvent):
            return None
        return _version_among(events)
    except Exception:  # noqa: BLE001 (as above; whoever wants to know what is wrong reads all of it)
        return None


_BEFORE = (yaml.StreamStartEvent, yaml.DocumentStartEvent)


def _version_among(events: object) -> int | None:
    """Walk over the keys of the outermost mapping, whose start was just read."""
    depth, is_key, wanted = 1, True, False
    for event in events:  # type: ignore[attr-defined]  # yaml has no type for its generator
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        if depth == 1 and is_key:
            if not isinstance(event, yaml.ScalarEvent):
                return None  # the end, an alias, or a key of many parts
            wanted = event.value == "version"
        elif depth == 1 and wanted:
            return _plain_number(event)
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        if depth == 1:
            is_key = not is_key
    return None


def _plain_number(event: object) -> int | None:
    if not isinstance(event, yaml.ScalarEvent) or not event.implicit[0] or event.tag is not None:
        return None
    text = event.value
    plain = text.isascii() and text.isdecimal() and not text.startswith("0") and len(text) <= _MOST_DIGITS
    return int(text) if plain else None


def _reasons(error: Exception) -> tuple[str, ...]:
    if isinstance(error, RoutingDocumentError | TopicError):
        return error.faults
    if isinstance(error, PenstockError):
        return (str(error),)
    return (f"unexpected {type(error).__name__}: {' '.join(str(error).split())}",)


def _by_version(
    stamped: Sequence[tuple[int, Message]], current: int, remembered: int
) -> dict[int, tuple[Message, ...]]:
    """The messages of the versions before the current one, newest versions first, as many as are remembered."""
    kept = sorted({number for number, _ in stamped if number < current}, reverse=True)[: remembered - 1]
    return {number: tuple(one for each, one in stamped if each == number) for number in kept}
