"""Who calls the server: our own messages over a channel, or the official stubs in a process of theirs."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import grpc

from penstock.remote.messages import methods
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Caller", "Official", "Own", "RefusedError"]

ROOT = Path(__file__).parents[2]
_TIMEOUT_S = float(SOON_S)
_SERVICES = ("tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")
_METHODS = {name: (service, method) for service in _SERVICES for name, method in methods(service).items()}


class RefusedError(Exception):
    """A call that the server did not do."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details


class Caller(Protocol):
    """Makes calls by their method's name."""

    def call(self, method: str, request: Any) -> Any:
        """Return the response; raises `RefusedError`."""
        ...


class Own:
    """Our messages, over a channel of this process."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self._calls: Mapping[str, Any] = {
            name: self.channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
            for name, (_, method) in _METHODS.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def call(self, method: str, request: Any) -> Any:
        """Return the response; raises `RefusedError`."""
        try:
            return self._calls[method](request, timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            raise RefusedError(error.code().name, error.details()) from error

    def later(self, method: str, request: Any) -> Any:
        """Begin a call; its `result()` and `code()` tell the rest."""
        return self._calls[method].future(request, timeout=_TIMEOUT_S)


class Official:
    """The official package's stubs."""

    def __init__(self, address: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.contract.official", address],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._line() == "ready\n", "the official stubs are not there: is tensorflow-serving-api installed?"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, method: str, request: Any) -> Any:
        """Return the response; raises `RefusedError`."""
        service, found = _METHODS[method]
        content = base64.b64encode(request.SerializeToString()).decode("ascii")
        asked = {"service": service.rpartition(".")[2], "method": method, "request": content, "timeout": _TIMEOUT_S}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        if answer["code"] != "OK":
            raise RefusedError(answer["code"], answer["details"])
        return found.response.FromString(base64.b64decode(answer["response"]))

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
