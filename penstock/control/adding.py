"""Putting models into the registry: files into the store, descriptors on the topic, and which version is live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.control.models import refuse_too_large
from penstock.errors import ImmutableModelError, ModelInUseError
from penstock.event import ce_time
from penstock.models.intake import SAID
from penstock.models.ref import ModelRef
from penstock.models.store import Store
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.control.models import ModelsTopic
    from penstock.control.publisher import Published
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.intake import Intake
    from penstock.models.registry import Registry
    from penstock.settings import Settings

__all__ = [
    "Added",
    "add",
    "as_registered",
    "make_live",
    "refuse_in_use",
    "refuse_other_bytes",
    "remove",
    "store_of",
    "stored_at",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What came of adding a model."""

    descriptor: ModelDescriptor
    """As it is registered."""
    registered: Published | None
    """Where its descriptor stands on the topic; None: it was registered before, with the same bytes."""
    pointed: Published | None = None
    """Where it was made live, if it was."""

    kept: tuple[str, ...] = ()
    """Keys whose registered values stay, though others were offered with the same bytes."""

    @property
    def offset(self) -> int | None:
        """The last message that workers have to see for it."""
        last = self.pointed or self.registered
        return None if last is None else last.offset


def store_of(settings: Settings) -> Store:
    """Return the store of models' files, as the settings have it."""
    return Store.of(settings.models)


def stored_at(settings: Settings, descriptor: ModelDescriptor) -> str:
    """Return the place in the settings' store that is a file's own; others' bytes never come to lie there."""
    base = settings.models.store
    root = base if "://" in base else Path(base).absolute().as_uri()
    name = f"{descriptor.file.sha256}.{descriptor.suffix}"
    return f"{root.rstrip('/')}/{descriptor.name}/{descriptor.version}/{name}"


def refuse_other_bytes(registry: Registry, descriptor: ModelDescriptor) -> bool:
    """Tell whether a model is registered already.

    Raises:
        ImmutableModelError: it is, with other bytes.
    """
    known = registry.get(descriptor.ref)
    if known is not None and known.identity != descriptor.identity:
        raise ImmutableModelError(str(descriptor.ref), known.content, descriptor.content)
    return known is not None


def add(settings: Settings, topic: ModelsTopic, intake: Intake, *, live: bool = False, copy: bool = True) -> Added:
    """Put a model into the store and the registry, where it is not there yet.

    The first version of a name is live at once; later ones only where that is asked for.

    Raises:
        ImmutableModelError: its ref is registered with other bytes, or another server.
        StoreError: the store does not take the file.
        KafkaUnavailableError: no broker answered.
        ControlTopicError: the topic cannot be read, or does not take the message; where that is too long, nothing is
            put into the store.
    """
    topic.refresh()
    registry = topic.registry
    descriptor = intake.descriptor
    ref, name = descriptor.ref, descriptor.name
    if refuse_other_bytes(registry, descriptor):
        known = registry.resolve(ref)
        kept = tuple(key for key in SAID if getattr(known, key) != getattr(descriptor, key))
        pointed = make_live(topic, ref) if live else None
        return Added(descriptor=known, registered=None, pointed=pointed, kept=kept)
    descriptor = as_registered(settings, intake, copy=copy)
    if copy and intake.path is not None:
        store_of(settings).put(intake.path, str(descriptor.uri))
    current = registry.live(name)
    if current is not None and current.version is not None and name not in registry.pointers:
        # Without a pointer the highest version is live, which might be this one.
        topic.point(name, current.version, None)
    registered = topic.register(descriptor)
    pointed = make_live(topic, ref) if live or current is None else None
    return Added(descriptor=descriptor, registered=registered, pointed=pointed)


def as_registered(settings: Settings, intake: Intake, *, copy: bool = True) -> ModelDescriptor:
    """Return a model's descriptor as it is to be registered now; ``copy``: its file goes to the store.

    Raises:
        ControlTopicError: the registry's topic would not take it.
    """
    changes = {"registered_at": ce_time(now_ms())}
    if copy and intake.path is not None:
        changes["uri"] = stored_at(settings, intake.descriptor)
    descriptor = intake.descriptor.model_copy(update=changes)
    refuse_too_large(settings, descriptor)
    return descriptor


def make_live(topic: ModelsTopic, ref: ModelRef) -> Published | None:
    """Let a bare name mean a version from now on, and until a worker has that one, the version that was live before.

    Returns None where it is live already.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: the topic does not take the message.
    """
    registry = topic.registry
    pointer, current = registry.pointers.get(ref.name), registry.live(ref.name)
    if ref.version is None or (pointer is not None and pointer.live == ref.version):
        return None
    previous = None if current is None or current == ref else current.version
    return topic.point(ref.name, ref.version, previous)


def refuse_in_use(ref: ModelRef, users: Mapping[ModelRef, tuple[str, ...]], *, force: bool) -> tuple[str, ...]:
    """Return who uses a version that is to be deleted.

    Raises:
        ModelInUseError: somebody does, and that is not to be passed over.
    """
    found = users.get(ref, ())
    if found and not force:
        raise ModelInUseError(str(ref), found)
    return found


def remove(topic: ModelsTopic, ref: ModelRef) -> None:
    """Delete a version from the registry; its name means another one before that, or none where it is the last.

    So nothing points at it any more: what is added anew under its ref, with bytes of its own, is not live unasked.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: the topic does not take the message.
    """
    registry, name = topic.registry, ref.name
    pointer, left = registry.pointers.get(name), [one for one in registry.versions(name) if one != ref.version]
    if pointer is not None and left and ref.version in {pointer.live, pointer.previous}:
        topic.point(name, next((one.version for one in registry.serving(name) if one.version in left), left[-1]), None)
    topic.remove(ref)
    if pointer is not None and not left:
        topic.remove(ModelRef(name))
