"""Whether the model servers that the settings name are there, and answer."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from penstock.remote.calls import CallError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.engine_sections import ServerSettings, ServiceSettings

__all__ = ["ANSWERS_S", "Seen", "asked", "told"]

_LISTENS_S = 2.0
ANSWERS_S = 10.0
"""Longer than jobs wait for a call by default: a server that is only busy is well."""
_MOST_AT_ONCE = 32


class Seen(NamedTuple):
    """What came of asking one server."""

    server: str
    """Its name in the settings, and its address: ``default at 127.0.0.1:8500``."""
    listens: bool
    ailment: CallError | None = None
    """Why it does not answer, if it listens."""


def asked(service: ServiceSettings, timeout_s: float = ANSWERS_S) -> list[Seen]:
    """Ask all servers at once, each in its own words; takes a little more than twice the timeout, at most."""
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        found = [
            pool.submit(_seen, name, settings, endpoint, timeout_s)
            for name, settings in sorted(service.servers.items())
            for endpoint in sorted(set(settings.endpoints))
        ]
    return [each.result() for each in found]


def told(seen: Sequence[Seen]) -> tuple[bool, str]:
    """Say whether all is well, and what is not. Pure."""
    absent = [each.server for each in seen if not each.listens]
    mute = [f"{each.server} ({_why(each.ailment)})" for each in seen if each.ailment is not None]
    parts = [f"nobody listens: {', '.join(absent)}: start it"] if absent else []
    if mute:
        parts.append(f"accepts connections and does not answer: {', '.join(mute)}: see its log, and start it again")
    if parts:
        return False, f"{'; '.join(parts)}; its events wait, and are dead letters after that"
    return True, f"{', '.join(each.server for each in seen)} answer"


def _seen(name: str, settings: ServerSettings, endpoint: str, timeout_s: float) -> Seen:
    server = f"{name} at {endpoint}"
    if not _listens(endpoint):
        return Seen(server, listens=False)
    return Seen(server, listens=True, ailment=_ailment(settings, endpoint, timeout_s))


def _listens(endpoint: str) -> bool:
    host, _, port = endpoint.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _LISTENS_S):
            return True
    except OSError:
        return False


def _ailment(settings: ServerSettings, endpoint: str, timeout_s: float) -> CallError | None:
    from penstock.remote import probes  # here, for it brings gRPC, which nothing else in commands wants
    from penstock.remote.channels import Tls

    tls = None if settings.tls is None else Tls(**dict(settings.tls))
    if tls is not None and not all(file is None or file.is_file() for file in (tls.ca, tls.certificate, tls.key)):
        return None  # jobs take certificates along from where they are submitted, which may be elsewhere
    metadata = {key: secret.get_secret_value() for key, secret in settings.metadata.items()}
    return probes.ailment(endpoint, (settings.protocol, settings.transport), tls, metadata, timeout_s)


def _why(error: CallError) -> str:
    return str(CallError(error.code, error.details))  # its address is told already
