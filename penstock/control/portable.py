"""Settings as plain data, so that they travel to workers on machines that have none of our files.

Certificates go as text, as they do to Flink's own clients, and become files again where the Kafka client wants files.
Passwords are among the data: whoever may read a job's code may read its sources' and sinks' passwords already.
"""

from __future__ import annotations

import copy
import functools
import operator
import os
from typing import TYPE_CHECKING, Any

from penstock.errors import SettingsError
from penstock.settings import Settings, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

__all__ = ["pack", "refuse_unreadable", "unpack"]

_CLUSTER_FILES = ("ssl_ca_file", "ssl_certificate_file", "ssl_key_file")
_SERVER_FILES = ("ca", "certificate", "key")


def refuse_unreadable(settings: Settings) -> None:
    """Look whether the files of certificates and keys are here, where jobs are submitted; workers need no copy.

    Raises:
        SettingsError: with all that are not.
    """
    faults = [
        f"{place!r}: there is no file {str(path)!r} that can be read; correct the path, or put it there"
        for place, path in _files(settings)
        if not (path.is_file() and os.access(path, os.R_OK))
    ]
    if faults:
        raise SettingsError(tuple(faults))


def pack(settings: Settings) -> dict[str, Any]:
    """Return settings as plain data, with what stands in the files that clients need.

    Raises:
        SettingsError: one of them is not here.
    """
    refuse_unreadable(settings)
    files = {place: path.read_text(encoding="utf-8") for place, path in _files(settings)}
    return {"settings": plain(settings), "files": files}


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield each such file with its place among the settings; no name on the way has a dot in it."""
    holders: list[tuple[str, BaseModel | None, tuple[str, ...]]] = [
        ("kafka.external", settings.kafka.external, _CLUSTER_FILES),
        ("kafka.internal", settings.kafka.internal, _CLUSTER_FILES),
    ]
    for name, server in settings.service.servers.items():
        holders.append((f"service.servers.{name}.tls", server.tls, _SERVER_FILES))
    for place, holder, fields in holders:
        for field in fields:
            path = getattr(holder, field, None)
            if path is not None:
                yield f"{place}.{field}", path


def unpack(packed: Mapping[str, Any], folder: Path) -> Settings:
    """Return the settings that were packed, their files written to ``folder``, which only this user may read."""
    tree = copy.deepcopy(packed["settings"])
    for place, text in packed["files"].items():
        file = folder / f"{place}.pem"
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        *parents, field = place.split(".")
        functools.reduce(operator.getitem, parents, tree)[field] = str(file)
    return Settings(**tree)
