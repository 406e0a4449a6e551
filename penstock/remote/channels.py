"""Connections by gRPC: one channel for each server, kept as long as the worker lives.

Channels are made in the process that uses them, never when a module is imported: they do not survive a fork.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from penstock.remote.calls import CLOSED, CallError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from penstock.remote.messages import Method

__all__ = ["Channel", "Tls"]

#: A server that refused is tried again within half a second; the default grows to two minutes.
_RECONNECT_LEAST_MS = 100
_RECONNECT_MOST_MS = 500
#: So long a probe waits for a connection to be made anew, which is a pause and an attempt.
_RECONNECT_PATIENCE_S = 1.0
#: What a connection may take, TLS included; its name says something else. Calls wait for it no longer than they may.
_CONNECT_MS = 5_000
#: A machine that vanished without a word is noticed after a ping and its time, and so is one in the middle of a call.
#: Not more often: servers end connections whose clients ping too much.
_PING_MS = 60_000
_PING_PATIENCE_MS = 5_000
_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", _RECONNECT_LEAST_MS),
    ("grpc.min_reconnect_backoff_ms", _CONNECT_MS),
    ("grpc.max_reconnect_backoff_ms", _RECONNECT_MOST_MS),
    ("grpc.keepalive_time_ms", _PING_MS),
    ("grpc.keepalive_timeout_ms", _PING_PATIENCE_MS),
    # How much a batch may be is said by rows, and by the server.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Tries are made by us, at other servers, and counted.
    ("grpc.enable_retries", 0),
    # What stands in the environment for the web is not meant for model servers, as it is not for Kafka.
    ("grpc.enable_http_proxy", 0),
    # Else channels of one process to one server share a connection, and its back-off.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files for connections over TLS."""

    ca: Path | None = None
    """Whom to trust, PEM; None: whom the machine trusts."""
    certificate: Path | None = None
    """Who we are, PEM, where the server wants to know."""
    key: Path | None = None
    """The certificate's private key, PEM."""

    def bytes_of(self, file: Path | None) -> bytes | None:
        """Read one of them."""
        return None if file is None else file.read_bytes()


class Channel:
    """A connection to one server. Calls may be made from several threads at once."""

    def __init__(self, server: str, tls: Tls | None, metadata: Mapping[str, str]) -> None:
        """Begin; the connection is made by the first call.

        Args:
            server: host and port.
            tls: None: plain text.
            metadata: sent with each call, credentials among it.
        """
        self.server = server
        self._metadata = tuple((name.lower(), value) for name, value in metadata.items())
        self._callables: dict[Method, Callable[..., Any]] = {}
        if tls is None:
            self._channel = grpc.insecure_channel(server, options=_OPTIONS)
        else:
            credentials = grpc.ssl_channel_credentials(
                tls.bytes_of(tls.ca), tls.bytes_of(tls.key), tls.bytes_of(tls.certificate)
            )
            self._channel = grpc.secure_channel(server, credentials, options=_OPTIONS)

    def ask(self, method: Method, request: Any, timeout_s: float, *, patient: bool = False) -> Any:
        """Make one call.

        Args:
            method: which.
            request: its message.
            timeout_s: for all of it.
            patient: whether to wait for a connection that is broken. Else it fails at once.

        Raises:
            CallError: of gRPC's code, or ``CLOSED``.
        """
        try:
            call = self._callables.get(method) or self._made(method)
            return call(request, timeout=timeout_s, metadata=self._metadata, wait_for_ready=patient)
        except grpc.RpcError as error:
            raise CallError(error.code().name, error.details() or "", server=self.server) from error
        except ValueError as error:  # of a closed channel
            raise CallError(CLOSED, str(error), server=self.server) from error

    def probe(self, method: Method, request: Any, timeout_s: float) -> Any:
        """Make one call of a server that may have been away, and see to it that the connection is made anew.

        gRPC makes connections while somebody waits in a call, and calls on a broken one fail without a wait: with
        nothing but such calls a server that is back is never found (each attempt to connect ends by its time, with
        "FD Shutdown").

        Raises:
            CallError: as `ask`.
        """
        try:
            return self.ask(method, request, timeout_s)
        except CallError as error:
            if error.code != "UNAVAILABLE":
                raise
        try:
            return self.ask(method, request, min(timeout_s, _RECONNECT_PATIENCE_S), patient=True)
        except CallError as error:
            if error.code != "DEADLINE_EXCEEDED":
                raise
        return self.ask(method, request, timeout_s)  # tells why there is no connection, which a deadline does not

    def close(self) -> None:
        """End it, and the calls on it."""
        self._channel.close()

    def _made(self, method: Method) -> Callable[..., Any]:
        made: Callable[..., Any] = self._channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        self._callables[method] = made
        return made
