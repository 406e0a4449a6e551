"""Ports for the servers that tests and benchmarks start."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from itertools import islice
from pathlib import Path

__all__ = ["free_port", "free_ports"]

_LOWEST = 10_000
_FEWEST = 1_000
_USUAL_CLIENTS = 32_768
_CLIENTS_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return one port; see `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on and that are given to nobody else while this process lives.

    They are below those that the kernel gives to connections of clients: one of these would be taken by any
    connection between now and the server's start, or while a server that was killed is away.
    """
    for_servers = range(_LOWEST, _first_of_clients())
    candidates = random.SystemRandom().sample(for_servers, k=min(len(for_servers), 100 * count))
    found = list(islice((port for port in candidates if _take(port)), count))
    if len(found) < count:
        raise RuntimeError(f"{count} free ports are wanted from {_LOWEST} on, found {len(found)}: end what listens")
    return found


def _first_of_clients(file: Path = _CLIENTS_FILE) -> int:
    """Return where the kernel's range begins; the usual place, where that leaves too few for servers, or is not told.

    Some machines give clients all ports from 1,024 on: then none is out of their way.
    """
    try:
        first = int(file.read_text(encoding="ascii").split()[0])
    except FileNotFoundError:
        return _USUAL_CLIENTS
    return first if first >= _LOWEST + _FEWEST else _USUAL_CLIENTS


def _take(port: int) -> bool:
    """Lock a port's file until this process ends, if nobody has it and nobody listens."""
    folder = Path(tempfile.gettempdir()) / f"penstock-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        os.close(lock)
        return False
    return True  # and the file stays open, for the lock is held as long as it is
