"""Records as the benchmark writes them: each value stamped with the moment at which it was due."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["STAMP", "Record", "read", "write"]

STAMP = re.compile(rb'"ts":(\d{16})')
"""The moment at which an event was due, in microseconds since 1970: always 16 digits, so that sizes do not vary."""


class Record(msgspec.Struct, frozen=True):
    """A record whose value has the moment it was due between ``before`` and ``after``."""

    key: bytes
    before: bytes
    after: bytes
    headers: list[tuple[str, bytes]]

    @classmethod
    def of(cls, key: bytes, value: bytes, headers: dict[str, str]) -> Record:
        """Cut a value at its moment."""
        found = STAMP.search(value)
        if found is None:
            raise ValueError(f"the record has no 'ts' of 16 digits: {value!r}")
        packed = [(name, text.encode()) for name, text in headers.items()]
        return cls(key, value[: found.start(1)], value[found.end(1) :], packed)

    def value(self, due_us: int) -> bytes:
        """Return the value of a record that is due at that moment."""
        return b"%b%d%b" % (self.before, due_us, self.after)


def write(file: Path, records: Sequence[Record]) -> None:
    """Write a pool of records to a file."""
    file.write_bytes(msgspec.msgpack.encode(records))


def read(file: Path) -> list[Record]:
    """Read a pool that `write` wrote."""
    return msgspec.msgpack.decode(file.read_bytes(), type=list[Record])
