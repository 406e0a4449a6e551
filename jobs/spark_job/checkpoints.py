"""Spark's checkpoint of a query, and of which topics its offsets are.

Spark knows topics by their names: it takes an offset of one that was deleted for one of the topic that was made anew
under that name, and so leaves out rows that nobody has scored. Kafka knows better, for each topic has an id of its own.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from penstock.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.spark_job.reading import Topics

__all__ = ["Checkpoint"]

_log = get_logger(__name__)
_decode = msgspec.json.Decoder(dict[str, str]).decode


class Checkpoint:
    """One query's. Used while the query does not run."""

    def __init__(self, folder: Path) -> None:
        """Read of which topics the checkpoint in a folder is; there may be none.

        Args:
            folder: Spark's own. What is known of topics is in a file beside it.
        """
        self.folder = folder
        self._file = folder.with_name(f"{folder.name}.topics.json")
        self._ids = self._read()

    def made_anew(self, topics: Topics) -> list[str]:
        """Return which topics are others than those that had their names before."""
        return [name for name, now in topics.items() if self._ids.get(name, now.id) != now.id]

    def begin(self, topics: Topics) -> list[str]:
        """Take note of the topics that are going to be read; where one was made anew, Spark's offsets are given up.

        Those of the other topics go with them: the bridge knows by its consumer group how far they are. A topic that is
        gone is remembered, as its offsets are.

        Returns the topics that were made anew.
        """
        anew = self.made_anew(topics)
        if anew and self.folder.exists():
            shutil.rmtree(self.folder)
        known = self._ids | {name: each.id for name, each in topics.items()}
        if known != self._ids:
            # In this order: whoever dies in between finds that the topics were made anew, and no offsets of them.
            self._write(known)
            self._ids = known
        return anew

    def _read(self) -> dict[str, str]:
        try:
            return _decode(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            _log.warning("it is not known of which topics the checkpoint is", file=str(self._file), because=str(error))
            return {}

    def _write(self, ids: dict[str, str]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_bytes(msgspec.json.encode(ids))
        new.replace(self._file)
