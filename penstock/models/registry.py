"""The registry of models: which versions there are and which is live, by the messages of the topic of models. Pure.

Every worker and every command that is given the same messages comes to the same registry: a version's descriptor never
changes, and a message that is no good record changes nothing.
"""

from __future__ import annotations

from bisect import insort
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, assert_never

from penstock.control.messages import Verdict, VerdictKind
from penstock.errors import UnknownModelError
from penstock.models.catalog_events import Meant
from penstock.models.records import (
    Fault,
    Pointed,
    Registered,
    Removed,
    descriptor_record,
    parse,
    pointer_record,
)
from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from penstock.control.messages import Message
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.records import Record

__all__ = ["Pointer", "Registry"]

#: So many deleted versions are told from those that never were.
_DELETED = 1_000
#: As many known models as an error lists, and one more, by which it says that there are others.
_KNOWN = 21


class Pointer(NamedTuple):
    """Which version a bare name means."""

    live: int
    previous: int | None
    """Serves the name where the live version is not ready."""
    at: str
    """When somebody said so, as they wrote it."""


class Registry:
    """Descriptors by ref, and pointers by name. One thread at a time: whoever shares it holds a lock."""

    def __init__(self, descriptors: Iterable[ModelDescriptor] = ()) -> None:
        """Begin with these descriptors; of two with the same ref the first counts."""
        self._descriptors: dict[ModelRef, ModelDescriptor] = {}
        self._versions: dict[str, list[int]] = {}
        self._pointers: dict[str, Pointer] = {}
        self._deleted: dict[ModelRef, None] = {}
        self._overwritten: dict[ModelRef, None] = {}
        self._offset: int | None = None
        for descriptor in descriptors:
            self._register(descriptor)

    @property
    def descriptors(self) -> Mapping[ModelRef, ModelDescriptor]:
        """Every version of every model; a view, which changes with the registry."""
        return MappingProxyType(self._descriptors)

    @property
    def pointers(self) -> Mapping[str, Pointer]:
        """Which version each name means, where somebody said so; a view."""
        return MappingProxyType(self._pointers)

    @property
    def offset(self) -> int | None:
        """Of the last message that was seen; -1 where the topic was read and is empty, None before that."""
        return self._offset

    @property
    def overwritten(self) -> tuple[ModelRef, ...]:
        """Whose newest message on the topic is not what is in force; a ref without a version is a name's pointer.

        Compaction keeps the newest message only, so that a worker that starts later would take that one: publishing
        `record` again cures it.
        """
        return tuple(self._overwritten)

    def record(self, ref: ModelRef) -> tuple[bytes, bytes]:
        """Return the key and the value of what is in force: a version's descriptor, or a name's pointer.

        Raises `KeyError` where there is none.
        """
        if ref.version is not None:
            return descriptor_record(self._descriptors[ref])
        return pointer_record(ref.name, *self._pointers[ref.name])

    def __iter__(self) -> Iterator[ModelDescriptor]:
        """Every version of every model, in the order of names and versions."""
        return (
            self._descriptors[ModelRef(name, one)] for name in sorted(self._versions) for one in self.versions(name)
        )

    def __len__(self) -> int:
        """How many versions of all models there are."""
        return len(self._descriptors)

    def get(self, ref: ModelRef) -> ModelDescriptor | None:
        """Return the descriptor of a version, if it is registered."""
        return self._descriptors.get(ref)

    def versions(self, name: str) -> tuple[int, ...]:
        """Return the versions of a name that are registered, the lowest first."""
        return tuple(self._versions.get(name, ()))

    def live(self, name: str) -> ModelRef | None:
        """Return the version that a bare name means: the first of `serving`."""
        serving = self.serving(name)
        return serving[0] if serving else None

    def serving(self, name: str) -> tuple[ModelRef, ...]:
        """Return the versions that may serve a bare name, the wanted one first; none of them is not registered.

        They are the live one and the one before it, as the pointer says. Without a pointer, and where neither of its
        versions is registered, the highest version is live.
        """
        pointer = self._pointers.get(name)
        if pointer is not None:
            wanted = dict.fromkeys((pointer.live, pointer.previous))
            found = tuple(
                ref for one in wanted if one is not None and (ref := ModelRef(name, one)) in self._descriptors
            )
            if found:
                return found
        versions = self._versions.get(name)
        return (ModelRef(name, versions[-1]),) if versions else ()

    def meant(self, ref: ModelRef) -> ModelRef | None:
        """Return the version that a ref means: the one that it names, registered or not, or the live one."""
        return self.live(ref.name) if ref.version is None else ref

    def resolve(self, ref: ModelRef) -> ModelDescriptor:
        """Return the version that ``ref`` means: the one it names, or the live one.

        Raises `UnknownModelError`, which names models that there are, those of the same name first.
        """
        meant = self.meant(ref)
        found = None if meant is None else self._descriptors.get(meant)
        if found is None:
            raise self.unknown(ref)
        return found

    def unknown(self, ref: ModelRef) -> UnknownModelError:
        """Return the error of a ref that is not registered."""
        names = [ref.name, *(name for name in sorted(self._versions) if name != ref.name)]
        known = [f"{name}:{one}" for name in names[:_KNOWN] for one in self.versions(name)[-_KNOWN:]][:_KNOWN]
        return UnknownModelError(str(ref), tuple(known), "it was deleted" if ref in self._deleted else "")

    def events(self, verdict: Verdict | None = None) -> Iterator[Registered | Removed | Meant]:
        """Yield what a catalogue has to know of a message that was taken; without one, of all of them together."""
        if verdict is None:
            yield from map(Registered, self)
            yield from (Meant(name, self.serving(name)) for name in self._versions)
        elif verdict.kind is VerdictKind.APPLIED and verdict.subject is not None:
            ref = ModelRef.parse(verdict.subject)
            if ref.version is not None:
                found = self._descriptors.get(ref)
                yield Removed(ref) if found is None else Registered(found)
            yield Meant(ref.name, self.serving(ref.name))

    def recover(self, messages: Iterable[Message]) -> list[Verdict]:
        """Take all messages that the topic holds, in their order; the outcome is that of offering them one by one.

        Returns only what somebody has to be told: what was rejected, or taken with reservations, and the last one.
        """
        verdicts = [self.offer(message) for message in messages]
        if self._offset is None:
            self._offset = -1
        return [one for one in verdicts[:-1] if one.reasons] + verdicts[-1:]

    def offer(self, message: Message) -> Verdict:
        """Take the next message of the topic; never raises, whatever the bytes are."""
        self._offset = message.offset
        record = parse(message.key, message.value)
        kind, reasons = self._take(record)
        ref = _ref(record)
        return Verdict(
            kind=kind,
            offset=message.offset,
            version=None if ref is None else ref.version,
            subject=record.subject if isinstance(record, Fault) else str(ref),
            reasons=reasons,
        )

    def _take(self, record: Record) -> tuple[VerdictKind, tuple[str, ...]]:
        match record:
            case Registered(descriptor, unknown):
                kind, reasons = self._offered(descriptor)
                return kind, reasons + tuple(f"key {key!r} is unknown here and left out" for key in unknown)
            case Pointed(name, live, previous, at):
                return self._pointed(name, Pointer(live, previous, at))
            case Removed(ref):
                return self._removed(ref), ()
            case Fault(_, reason, ref):
                if ref is not None and (
                    ref in self._descriptors or (ref.version is None and ref.name in self._pointers)
                ):
                    self._overwritten[ref] = None
                return VerdictKind.REJECTED, (reason,)
            case _:
                assert_never(record)

    def _offered(self, descriptor: ModelDescriptor) -> tuple[VerdictKind, tuple[str, ...]]:
        ref = descriptor.ref
        known = self._descriptors.get(ref)
        if known is None:
            self._register(descriptor)
            return VerdictKind.APPLIED, ()
        differing = _differing(known, descriptor)
        if not differing:
            self._overwritten.pop(ref, None)
            return VerdictKind.DUPLICATE, ()
        self._overwritten[ref] = None
        if known.identity == descriptor.identity:
            reason = f"{', '.join(differing)} of {str(ref)!r} cannot be changed: delete it first, or raise the version"
            return VerdictKind.DUPLICATE, (reason,)
        found = f"{str(ref)!r} is registered with {known.content}, got {descriptor.content}"
        return VerdictKind.REJECTED, (f"{found}; versions are immutable: raise the version",)

    def _register(self, descriptor: ModelDescriptor) -> None:
        ref = descriptor.ref
        if ref not in self._descriptors:
            self._descriptors[ref] = descriptor
            insort(self._versions.setdefault(ref.name, []), descriptor.version)
            self._deleted.pop(ref, None)

    def _pointed(self, name: str, pointer: Pointer) -> tuple[VerdictKind, tuple[str, ...]]:
        self._overwritten.pop(ModelRef(name), None)
        known, self._pointers[name] = self._pointers.get(name), pointer
        if known == pointer:
            return VerdictKind.DUPLICATE, ()
        if ModelRef(name, pointer.live) not in self._descriptors:
            return VerdictKind.APPLIED, (f"version {pointer.live} of {name!r} is not registered: live when it comes",)
        return VerdictKind.APPLIED, ()

    def _removed(self, ref: ModelRef) -> VerdictKind:
        self._overwritten.pop(ref, None)
        if ref.version is None:
            known = self._pointers.pop(ref.name, None)
            return VerdictKind.DUPLICATE if known is None else VerdictKind.APPLIED
        if self._descriptors.pop(ref, None) is None:
            return VerdictKind.DUPLICATE
        versions = self._versions[ref.name]
        versions.remove(ref.version)
        if not versions:
            del self._versions[ref.name]
        self._deleted[ref] = None
        if len(self._deleted) > _DELETED:
            del self._deleted[next(iter(self._deleted))]
        return VerdictKind.APPLIED


def _ref(record: Record) -> ModelRef | None:
    match record:
        case Registered(descriptor):
            return descriptor.ref
        case Pointed(name):
            return ModelRef(name)
        case Removed(ref) | Fault(ref=ref):
            return ref


def _differing(known: ModelDescriptor, offered: ModelDescriptor) -> list[str]:
    """The keys by which two descriptors differ, apart from the time of their registration."""
    keys = type(known).model_fields
    return [key for key in keys if key != "registered_at" and getattr(known, key) != getattr(offered, key)]
