"""The predecessor's control messages: a model added, or deleted, by a UUID and a number. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from penstock.errors import LegacyError, ModelRefError, shown
from penstock.models.ref import HIGHEST_VERSION, ModelRef
from penstock.objects import object_in
from penstock.scalars import kind as kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Kind", "LegacyOperation", "operations"]


class Kind(StrEnum):
    """What a message asks for."""

    ADD = "add"
    DELETE = "delete"


class LegacyOperation(NamedTuple):
    """One message."""

    kind: Kind
    ref: ModelRef
    path: str | None
    """Where the model's file is: a path or a URI; None where it is deleted."""
    at: int | None
    """When it happened, in milliseconds since 1970, where the message says so."""


#: How the predecessor's releases, and the tools around them, wrote the same.
_KINDS = {
    "add": Kind.ADD,
    "addmessage": Kind.ADD,
    "addmodel": Kind.ADD,
    "del": Kind.DELETE,
    "delete": Kind.DELETE,
    "delmessage": Kind.DELETE,
    "deletemessage": Kind.DELETE,
    "delmodel": Kind.DELETE,
    "deletemodel": Kind.DELETE,
}
_KIND_KEYS = ("type", "action", "kind")
_PATH_KEYS = ("path", "uri")
_TIME_KEYS = ("occurredOn", "occurred_on", "time")
_KNOWN = frozenset({"name", "version", *_KIND_KEYS, *_PATH_KEYS, *_TIME_KEYS})


def operations(text: str) -> list[LegacyOperation]:
    """Read messages, in their order, from JSON lines or from one JSON array.

    A message is ``{"name": UUID, "version": number, "path": text, "occurredOn": milliseconds}``: with a path it adds,
    without one it deletes, unless ``type`` or ``action`` says which it is. ``name`` may be ``<uuid>_<version>``.

    Raises `LegacyError` that names the first wrong line, and what is wrong with it.
    """
    return [_operation(tree, line, place) for line, place, tree in _messages(text.removeprefix("\ufeff"))]


def _messages(text: str) -> Iterator[tuple[int, str, object]]:
    """Yield each message with the number of its line; in an array, where that starts, and with its place in it."""
    if not text.lstrip().startswith("["):
        for line, part in enumerate(text.split("\n"), 1):
            if part.strip():
                yield line, "", _json(part, line)
        return
    first = 1 + text[: text.index("[")].count("\n")
    found = _json(text, first)
    if isinstance(found, list):
        yield from ((first, f"message {place} of the array: ", tree) for place, tree in enumerate(found, 1))


def _json(text: str, line: int) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise LegacyError(line, f"expected a message in JSON: {error}") from error


def _operation(tree: object, line: int, place: str) -> LegacyOperation:
    try:
        return _read(tree)
    except ValueError as error:
        raise LegacyError(line, f"{place}{error}") from error


def _read(tree: object) -> LegacyOperation:
    fields = object_in(tree)
    unknown = sorted(fields.keys() - _KNOWN)
    if unknown:
        raise ValueError(f"key {shown(unknown[0])} is unknown; a message has name, version, path, occurredOn, type")
    path = _path(fields)
    kind = _kind(fields, path)
    return LegacyOperation(kind, _ref(fields), path if kind is Kind.ADD else None, _at(fields))


def _ref(tree: Mapping[str, object]) -> ModelRef:
    name, version = tree.get("name"), tree.get("version")
    if not isinstance(name, str):
        raise ValueError(f"name: expected text, a UUID, got {kind_of(name)}")  # noqa: TRY004 told with its line, as all
    try:
        ref = ModelRef.parse(name)
    except ModelRefError as error:
        raise ValueError(f"name: {error}") from error
    if version is None and ref.version is not None:
        return ref
    if type(version) is not int or not 0 <= version <= HIGHEST_VERSION:
        raise ValueError(f"version: expected a whole number from 0 to {HIGHEST_VERSION}, got {shown(version)}")
    if ref.version not in {None, version}:
        raise ValueError(f"name says version {ref.version}, version says {version}; leave one of them out")
    return ModelRef(ref.name, version)


def _path(tree: Mapping[str, object]) -> str | None:
    key, path = _one(tree, _PATH_KEYS)
    if path is None:
        return None
    if not isinstance(path, str) or not path:
        raise ValueError(f"{key}: expected a path or a URI, got {shown(path)}")
    return path


def _kind(tree: Mapping[str, object], path: str | None) -> Kind:
    key, word = _one(tree, _KIND_KEYS)
    if word is None:
        return Kind.DELETE if path is None else Kind.ADD
    # A class of the predecessor's may come with its package: only its own name counts.
    kind = _KINDS.get(word.rpartition(".")[2].lower()) if isinstance(word, str) else None
    if kind is None:
        raise ValueError(f"{key}: expected add, delete, AddMessage or DelMessage, got {shown(word)}")
    if kind is Kind.ADD and path is None:
        raise ValueError(f"{key} says {shown(word)}, but the message has no path; add it, or make it a delete")
    return kind


def _at(tree: Mapping[str, object]) -> int | None:
    key, at = _one(tree, _TIME_KEYS)
    if at is not None and (type(at) is not int or at < 0):
        raise ValueError(f"{key}: expected milliseconds since 1970, got {shown(at)}")
    return at if isinstance(at, int) else None


def _one(tree: Mapping[str, object], keys: tuple[str, ...]) -> tuple[str, object]:
    """Return the one of these keys that the message has, with its value."""
    given = [key for key in keys if tree.get(key) is not None]
    if len(given) > 1:
        raise ValueError(f"keys {given[0]!r} and {given[1]!r} mean the same; leave one of them out")
    return (given[0], tree[given[0]]) if given else (keys[0], None)
