"""What the machine must have free before the stack starts: ports, disk space, and the jars on it."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import psutil

from penstock.errors import PrerequisiteError
from penstock.local import versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.settings import Settings

__all__ = ["check", "holder", "ports"]

_MIB = 1024 * 1024


def ports(settings: Settings, *, model_server: bool = False) -> dict[str, int]:
    """Return the ports that the stack listens on, by the setting that names them."""
    names = {"flink.rest_port": settings.flink.rest_port, "local.flink_rpc_port": settings.local.flink_rpc_port}
    if settings.kafka.embedded:
        names["local.kafka_port"] = settings.local.kafka_port
        names["local.kafka_controller_port"] = settings.local.kafka_controller_port
    if model_server:
        names["local.model_server_port"] = settings.local.model_server_port
    return names


def check(settings: Settings, *, model_server: bool = False) -> None:
    """Look at everything that a start needs, with the embedded model server or without.

    Raises:
        PrerequisiteError: with every lack, so that one look is enough.
    """
    lacks = [
        *versions.faults(versions.PYTHON, versions.JAVA),
        *_jar_faults(settings),
        *_port_faults(settings.local.host, ports(settings, model_server=model_server)),
        *_disk_faults(settings.local.state_dir, settings.local.min_free_disk_mb),
    ]
    if lacks:
        raise PrerequisiteError(tuple(lacks))


def holder(port: int) -> str | None:
    """Say which process listens on a port; None if none does."""
    listening = [
        entry
        for entry in psutil.net_connections(kind="tcp")
        if entry.status == psutil.CONN_LISTEN and entry.laddr[1:2] == (port,)
    ]
    if not listening:
        return None
    pid = listening[0].pid
    try:
        return f"process {pid} ({psutil.Process(pid).name()})" if pid else "a process of another user"
    except psutil.NoSuchProcess:
        return f"process {pid}"


def _port_faults(host: str, wanted: Mapping[str, int]) -> list[str]:
    faults = []
    for setting, port in wanted.items():
        if not _free(host, port):
            who = holder(port) or "another process"
            faults.append(f"port {port} (setting {setting!r}) is in use by {who}: end it, or set another port")
    by_port: dict[int, list[str]] = {}
    for setting, port in wanted.items():
        by_port.setdefault(port, []).append(setting)
    faults += [f"port {port} is set twice: {', '.join(names)}" for port, names in by_port.items() if len(names) > 1]
    return faults


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Java servers do: a port whose last connections are still being closed counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _disk_faults(folder: Path, needed_mb: int) -> list[str]:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free // _MIB
    if free_mb >= needed_mb:
        return []
    return [f"{needed_mb} MiB of free disk are needed at {str(existing)!r} ('local.min_free_disk_mb'), found {free_mb}"]


def _jar_faults(settings: Settings) -> list[str]:
    wanted = ["flink", "kafka"] if settings.kafka.embedded else ["flink"]
    absent = [
        str(settings.local.jars_dir / name)
        for name in wanted
        if not any((settings.local.jars_dir / name).glob("*.jar"))
    ]
    if not absent:
        return []
    return [
        f"the jars are missing in {', '.join(absent)}: run 'scripts/start.sh', or 'mvn -q package' yourself",
        *versions.faults(versions.MAVEN),
    ]
