"""Connections by HTTP: a small pool for each server, kept as long as the worker lives. JSON there and back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import urllib3

from penstock.remote.calls import CallError, code_of_http

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.remote.channels import Tls

__all__ = ["Rest"]

_CHUNK_BYTES = 1 << 16
_FIRST_FAILURE = 300
#: Connections that are kept; more calls at once than that get further ones, which end with them.
_KEPT = 8
#: What the decoder raises: of text that is no UTF-8, and of lists in lists without end, too.
_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Rest:
    """Connections to one server. Calls may be made from several threads at once."""

    def __init__(self, server: str, tls: Tls | None, metadata: Mapping[str, str]) -> None:
        """Begin; connections are made by calls.

        Args:
            server: host and port.
            tls: None: plain text.
            metadata: headers of each call, credentials among them.
        """
        self.server = server
        self._url = f"{'http' if tls is None else 'https'}://{server}"
        self._headers = {"content-type": "application/json", **metadata}
        options: dict[str, Any] = {}
        if tls is not None:
            files = {"ca_certs": tls.ca, "cert_file": tls.certificate, "key_file": tls.key}
            options = {name: str(file) for name, file in files.items() if file is not None}
        self._pool = urllib3.PoolManager(maxsize=_KEPT, retries=False, **options)

    def ask(self, method: str, path: str, body: object, timeout_s: float) -> Any:
        """Make one call, and return what its answer's JSON says; None, if that is empty.

        Args:
            method: as ``GET``.
            path: with its slash.
            body: made into JSON; None: there is none.
            timeout_s: for all of it, a body that trickles in included.

        Raises:
            CallError: of the code that the answer's status stands for.
        """
        until = time.monotonic() + timeout_s
        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=None if body is None else msgspec.json.encode(body),
                headers=self._headers,
                timeout=urllib3.Timeout(total=timeout_s),
                redirect=False,
                preload_content=False,
            )
            content = self._read(response, until)
        except urllib3.exceptions.NewConnectionError as error:  # a timeout to urllib3, whatever it is
            raise CallError("UNAVAILABLE", str(error), server=self.server) from error
        except urllib3.exceptions.TimeoutError as error:
            raise CallError("DEADLINE_EXCEEDED", f"no answer within {timeout_s:.3f} s", server=self.server) from error
        except urllib3.exceptions.HTTPError as error:
            raise CallError("UNAVAILABLE", str(error), server=self.server) from error
        if response.status >= _FIRST_FAILURE:
            details = f"HTTP {response.status}: {_reason(content)}"
            raise CallError(code_of_http(response.status), details, server=self.server)
        try:
            return msgspec.json.decode(content) if content else None
        except _NO_JSON as error:
            raise CallError("FAILED_PRECONDITION", f"its answer is no JSON: {error}", server=self.server) from error

    def close(self) -> None:
        """End the connections that are idle; the others end with their calls, which no attempt follows."""
        self._pool.clear()

    def _read(self, response: urllib3.BaseHTTPResponse, until: float) -> bytes:
        content = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            content += chunk
            if time.monotonic() > until:
                response.close()
                raise CallError("DEADLINE_EXCEEDED", "its answer trickles in", server=self.server)
        response.release_conn()
        return bytes(content)


def _reason(content: bytes) -> str:
    """Servers tell in ``error``, some in ``detail``."""
    try:
        told = msgspec.json.decode(content)
    except _NO_JSON:
        return content.decode(errors="replace")
    if isinstance(told, dict):
        told = told.get("error") or told.get("detail") or told
    return str(told)
