"""A model ref: the name of a model, with a version or without one (then the live version is meant)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from penstock.errors import ModelRefError, shown

__all__ = ["HIGHEST_VERSION", "NAME_PATTERN", "ModelRef", "read_ref"]

# A model's name is the last part of its request topic, so it has only what Kafka allows there; the dot is left out
# because Kafka's metrics cannot tell it from the underscore. 100 characters keep the topic's name under Kafka's 249.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"

HIGHEST_VERSION = 10**18 - 1
"""Of 18 digits, as the routing document's: enough for a time in milliseconds."""

_NAME = re.compile(NAME_PATTERN)
_VERSION = re.compile(r"0|[1-9][0-9]{0,17}")
#: The predecessor's form: its names were UUIDs.
_LEGACY = re.compile(r"([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})_(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """``name:version``, or a bare ``name`` for whichever version is live.

    ``<uuid>_<version>``, as the predecessor wrote it, is read as ``<uuid>:<version>``; so no name has that form.
    """

    name: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a ref from its text.

        Raises `ModelRefError`, which is a `ValueError` too, so that pydantic reports it with its place.
        """
        name, colon, version = text.partition(":")
        legacy = _LEGACY.fullmatch(name)
        if legacy and colon:
            detail = f"a name of the form <uuid>_<version> is a version already: write '{legacy[1]}:{version}'"
            raise ModelRefError(text, detail)
        if legacy:
            name, colon, version = legacy[1], "_", legacy[2]
        if not _NAME.fullmatch(name):
            detail = "a name has letters, digits, '-' and '_', at most 100, and starts with a letter or digit"
            raise ModelRefError(text, detail)
        if not colon:
            return cls(name)
        if not _VERSION.fullmatch(version):
            raise ModelRefError(text, f"expected a version, a whole number of at most 18 digits, got {shown(version)}")
        return cls(name, int(version))

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}:{self.version}"


@lru_cache(maxsize=10_000)
def read_ref(text: str) -> ModelRef | None:
    """Read a ref quickly, for requests name the same few again and again; None where the text is none."""
    try:
        return ModelRef.parse(text)
    except ModelRefError:
        return None
