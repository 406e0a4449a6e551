"""Settings as plain data, so that they travel to workers on machines that have none of our files.

Certificates go as text, as they do to Flink's own clients, and become files again where the Kafka client wants files.
Passwords are among the data: whoever may read a job's code may read its sources' and sinks' passwords already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.settings import Settings, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["pack", "unpack"]

_FILES = ("ssl_ca_file", "ssl_certificate_file", "ssl_key_file")
_CLUSTERS = ("external", "internal")


def pack(settings: Settings) -> dict[str, Any]:
    """Return settings as plain data, with what stands in the files that clients need."""
    found = {}
    for name in _CLUSTERS:
        cluster = getattr(settings.kafka, name)
        for field in _FILES if cluster is not None else ():
            path = getattr(cluster, field)
            if path is not None:
                found[f"{name}.{field}"] = path.read_text(encoding="utf-8")
    return {"settings": plain(settings), "files": found}


def unpack(packed: Mapping[str, Any], folder: Path) -> Settings:
    """Return the settings that were packed, their files written to ``folder``, which only this user may read."""
    tree = {**packed["settings"], "kafka": dict(packed["settings"]["kafka"])}
    for key, text in packed["files"].items():
        cluster, _, field = key.partition(".")
        file = folder / f"{key}.pem"
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        tree["kafka"][cluster] = {**tree["kafka"][cluster], field: str(file)}
    return Settings(**tree)
