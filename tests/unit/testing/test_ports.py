"""Ports that nobody takes between their choice and the server's start."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.testing.ports import _first_of_clients, free_port, free_ports

_ANOTHER_PROCESS = "import sys; from penstock.testing import ports; print(ports._take(int(sys.argv[1])))"
_CLIENTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_ports_differ_and_can_be_listened_on() -> None:
    """All of them at once."""
    found = free_ports(20)
    servers = [socket.create_server(("127.0.0.1", port)) for port in found]
    for server in servers:
        server.close()
    assert len(set(found)) == 20


@pytest.mark.parametrize(("clients", "first"), [("40000 60999", 40_000), ("1024 65535", 32_768), (None, 32_768)])
def test_servers_have_ports_where_clients_have_all(tmp_path: Path, clients: str | None, first: int) -> None:
    """Machines with many connections give clients all; there is no better place then than the usual one."""
    file = tmp_path / "ip_local_port_range"
    if clients is not None:
        file.write_text(f"{clients}\n", encoding="ascii")

    assert _first_of_clients(file) == first


@pytest.mark.skipif(not _CLIENTS.exists(), reason="the kernel does not tell its range")
def test_no_port_is_one_that_clients_are_given() -> None:
    """A connection of anybody, to anywhere, would take it before the server starts."""
    first, last = map(int, _CLIENTS.read_text(encoding="ascii").split())
    if first < 11_000:
        pytest.skip("clients are given all ports here")
    assert not [port for port in free_ports(50) if first <= port <= last]


def test_what_one_process_was_given_another_is_not() -> None:
    """Test processes run side by side, and nobody listens yet."""
    port = free_port()
    command = [sys.executable, "-c", _ANOTHER_PROCESS, str(port)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
