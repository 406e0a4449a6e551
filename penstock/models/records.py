"""Records of the topic of models: what a key and a value mean, and how they are written. Pure: no Kafka.

A key ``name:version`` has that version's descriptor, a key ``name`` says which version the bare name means; a key with
no value is deleted.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from penstock.errors import ModelDescriptorError, ModelRefError, shown
from penstock.models.descriptor import ModelDescriptor
from penstock.models.ref import HIGHEST_VERSION, ModelRef

__all__ = [
    "Fault",
    "Pointed",
    "Record",
    "Registered",
    "Removed",
    "descriptor_record",
    "parse",
    "pointer_record",
    "removed_record",
]

Version = Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_VERSION)]


class Registered(NamedTuple):
    """A version of a model."""

    descriptor: ModelDescriptor
    unknown: tuple[str, ...] = ()
    """Keys of the message that mean nothing here, which are left out."""


class Pointed(NamedTuple):
    """Which version a bare name means, and which one serves it until that is ready."""

    name: str
    live: int
    previous: int | None
    at: str


class Removed(NamedTuple):
    """A version that is deleted; a ref without a version: the name's pointer."""

    ref: ModelRef


class Fault(NamedTuple):
    """A record that is none of these; what was in force under its key stays."""

    subject: str
    """The key, as it can be shown."""
    reason: str
    ref: ModelRef | None = None
    """What the key names, where it is good."""


Record = Registered | Pointed | Removed | Fault


class _Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """A pointer as a message has it; keys of newer releases are left alone."""

    name: str
    live: Version
    previous: Version | None = None
    at: str = ""


_POINTER = msgspec.json.Decoder(_Pointer)
_PLAIN = msgspec.json.Decoder()


def parse(key: bytes | None, value: bytes | None) -> Record:  # noqa: PLR0911 a fault can be in so many places
    """Tell what a record means; never raises, whatever the bytes are."""
    subject = shown(key) if key is None or not key.isascii() else key.decode("ascii")
    try:
        ref = ModelRef.parse(subject)
        if key is None or str(ref) != subject:
            return Fault(subject, f"the key must be 'name' or 'name:version', got {shown(key)}")
    except ModelRefError as error:
        return Fault(subject[:_MOST_SHOWN], f"the key must be 'name' or 'name:version': {error}")
    if value is None:
        return Removed(ref)
    try:
        return _pointed(ref, value) if ref.version is None else _registered(ref, value)
    except ModelDescriptorError as error:
        return Fault(subject, error.detail, ref)
    except msgspec.MsgspecError as error:
        return Fault(subject, f"the value is not what the key promises: {error}", ref)
    except Exception as error:  # noqa: BLE001 (the boundary of a record: no bytes may end a worker)
        return Fault(subject, f"unexpected {type(error).__name__}: {' '.join(str(error).split())}", ref)


_MOST_SHOWN = 130  # characters, of a key that is none; a good one has fewer


def _registered(ref: ModelRef, value: bytes) -> Registered | Fault:
    descriptor, unknown = ModelDescriptor.from_message(_PLAIN.decode(value), str(ref))
    if descriptor.ref != ref:
        return Fault(str(ref), f"the descriptor is of {str(descriptor.ref)!r}, the key says {str(ref)!r}", ref)
    return Registered(descriptor, unknown)


def _pointed(ref: ModelRef, value: bytes) -> Pointed | Fault:
    found = _POINTER.decode(value)
    if found.name != ref.name:
        return Fault(str(ref), f"the pointer is of {shown(found.name)}, the key says {ref.name!r}", ref)
    return Pointed(found.name, found.live, found.previous, found.at)


def descriptor_record(descriptor: ModelDescriptor) -> tuple[bytes, bytes]:
    """Return the key and the value that register a version."""
    return str(descriptor.ref).encode(), msgspec.json.encode(descriptor.plain())


def pointer_record(name: str, live: int, previous: int | None, at: str) -> tuple[bytes, bytes]:
    """Return the key and the value that make a version live."""
    value = msgspec.json.encode({"name": name, "live": live, "previous": previous, "at": at})
    return name.encode(), value


def removed_record(ref: ModelRef) -> tuple[bytes, None]:
    """Return the key and the missing value that delete a version, or, without a version, a name's pointer."""
    return str(ref).encode(), None
