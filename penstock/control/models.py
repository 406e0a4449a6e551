"""The topic of models, for commands: what is registered, and writing to it.

Versions never change, but compaction keeps the newest message of a key, whatever it says. So whoever writes looks
before and after: what came between is found, and what is in force is made the newest message again. The same cures
what other programs wrote over it, as long as the topic still holds the older message.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Self

from penstock import topics
from penstock.control.messages import Message, Verdict, VerdictKind
from penstock.control.publisher import Published, Publisher
from penstock.control.reading import ControlLog
from penstock.errors import ControlTopicError, ImmutableModelError
from penstock.event import ce_time
from penstock.models.records import descriptor_record, pointer_record, removed_record
from penstock.models.registry import Registry
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.ref import ModelRef
    from penstock.settings import Settings

__all__ = ["ModelsTopic", "heal", "point", "refuse_too_large", "register", "registry", "remove"]

#: Somebody who writes over a model without a pause is not to keep us for ever.
_MOST_HEALINGS = 5


class _Seen(NamedTuple):
    """A message, and what became of it."""

    message: Message
    verdict: Verdict


class ModelsTopic:
    """The topic of models, read to its end; what is written is read back. Close it after use; one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        """Read all of it.

        Raises:
            KafkaUnavailableError: no broker answered.
            ControlTopicError: there is no such topic.
        """
        self._settings = settings
        self._name = topics.control_models(settings.topics.prefix)
        self._patience_s = settings.control.startup_deadline_ms / 1000
        self._publisher: Publisher | None = None
        self._registry = Registry()
        self._log = ControlLog(settings.kafka.internal_cluster, self._name)
        try:
            self._registry.recover(self._log.to_end(self._patience_s))
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._log.close()
        if self._publisher is not None:
            self._publisher.close()

    @property
    def registry(self) -> Registry:
        """What is registered, as of the last reading."""
        return self._registry

    def refresh(self) -> None:
        """Read what came since; raises as the constructor does."""
        self._read()

    def register(self, descriptor: ModelDescriptor) -> Published | None:
        """Register a version.

        Returns None where it is registered already with the same bytes: then nothing is written, whatever else the
        descriptor says.

        Raises:
            ImmutableModelError: it is registered with other bytes, which stay.
            ControlTopicError: the topic does not take it.
            KafkaUnavailableError: no broker answered.
        """
        self._read()
        known = self._registry.get(descriptor.ref)
        if known is None:
            return self._write_version(descriptor)
        self._same_bytes(descriptor)
        return None

    def point(self, name: str, live: int, previous: int | None) -> Published:
        """Make a version the live one; ``previous`` serves the name while it is not ready.

        Whoever calls sees to it that it is registered: one that is not becomes live when it comes. Raises as
        `register` does, apart from `ImmutableModelError`.
        """
        return self._put(*pointer_record(name, live, previous, ce_time(now_ms())))

    def remove(self, ref: ModelRef) -> Published:
        """Delete a version, or, of a ref without one, the pointer; whoever calls sees to it that nobody uses it.

        Raises as `point` does.
        """
        return self._put(*removed_record(ref))

    def heal(self) -> list[ModelRef]:
        """Publish again what is in force and was written over by others; return what that was.

        A ref without a version is a name's pointer. Raises as `point` does.
        """
        self._read()
        healed: dict[ModelRef, None] = {}
        for _ in range(_MOST_HEALINGS):
            refs = self._registry.overwritten
            if not refs:
                break
            for ref in refs:
                if ref in self._registry.overwritten:  # still, after what was read with the one before
                    self._heal(ref)
                    healed[ref] = None
        return list(healed)

    def _write_version(self, descriptor: ModelDescriptor) -> Published:
        published = self._put(*descriptor_record(descriptor))
        if descriptor.ref in self._registry.overwritten:  # somebody was quicker by a moment, and ours is the newest
            self._heal(descriptor.ref)
        self._same_bytes(descriptor)
        return published

    def _same_bytes(self, descriptor: ModelDescriptor) -> None:
        known = self._registry.get(descriptor.ref)
        if known is not None and known.identity != descriptor.identity:
            raise ImmutableModelError(str(descriptor.ref), known.content, descriptor.content)

    def _heal(self, ref: ModelRef) -> None:
        key, value = self._registry.record(ref)
        seen: list[_Seen] = []
        published = self._put(key, value, seen)
        between = [
            one
            for one in seen
            if one.message.key == key
            and one.message.offset < published.offset
            and one.verdict.kind is VerdictKind.APPLIED
        ]
        if between:  # it was deleted or pointed elsewhere at the same moment: that is what counts, not what we repeated
            self._put(key, between[-1].message.value)

    def _put(self, key: bytes, value: bytes | None, seen: list[_Seen] | None = None) -> Published:
        """Write a message, and read up to it; ``seen`` gets all that came."""
        _refuse_too_large(self._settings, key, value)
        if self._publisher is None:
            self._publisher = Publisher(self._settings, self._name, self._settings.limits.max_request_bytes)
        published = self._publisher.put(key, value)
        came = self._read(published.offset)
        if seen is not None:
            seen.extend(came)
        return published

    def _read(self, offset: int = -1) -> list[_Seen]:
        """Take in what came since, at least up to an offset."""
        seen: list[_Seen] = []
        until = time.monotonic() + self._patience_s
        while True:
            last = self._registry.offset
            begin = None if last is None else last + 1
            messages = self._log.to_end(self._patience_s, begin)
            seen += [_Seen(message, self._registry.offer(message)) for message in messages]
            last = self._registry.offset
            if last is not None and last >= offset:
                return seen
            if time.monotonic() > until:
                finding = f"its message {offset}, which was just written, cannot be read after {self._patience_s:g} s"
                raise ControlTopicError(self._name, f"{finding}; has somebody a transaction open on it? End that one")


def refuse_too_large(settings: Settings, descriptor: ModelDescriptor) -> None:
    """Refuse a descriptor that would be too long a message, before anything is done for it.

    Raises:
        ControlTopicError: it is.
    """
    _refuse_too_large(settings, *descriptor_record(descriptor))


def _refuse_too_large(settings: Settings, key: bytes, value: bytes | None) -> None:
    limit, size = settings.limits.max_request_bytes, len(key) + len(value or b"")
    if size > limit:
        finding = f"the message of {key.decode()!r} has {size} bytes, at most {limit} are taken"
        advice = "raise limits.max_request_bytes, or let the model have fewer inputs and outputs"
        raise ControlTopicError(topics.control_models(settings.topics.prefix), f"{finding}; {advice}")


def registry(settings: Settings) -> Registry:
    """Return what is registered.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: there is no such topic.
    """
    with ModelsTopic(settings) as topic:
        return topic.registry


def register(settings: Settings, descriptor: ModelDescriptor) -> Published | None:
    """Register one version, as `ModelsTopic.register` does."""
    with ModelsTopic(settings) as topic:
        return topic.register(descriptor)


def point(settings: Settings, name: str, live: int, previous: int | None) -> Published:
    """Make a version the live one, as `ModelsTopic.point` does."""
    with ModelsTopic(settings) as topic:
        return topic.point(name, live, previous)


def remove(settings: Settings, ref: ModelRef) -> Published:
    """Delete a version or a pointer, as `ModelsTopic.remove` does."""
    with ModelsTopic(settings) as topic:
        return topic.remove(ref)


def heal(settings: Settings) -> list[ModelRef]:
    """Publish again what others wrote over, as `ModelsTopic.heal` does."""
    with ModelsTopic(settings) as topic:
        return topic.heal()
