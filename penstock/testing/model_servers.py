"""What servers of models in a test's process share, whatever they speak: being started, held up, told to fail.

They are real at their outside: a socket, and the protocol's own messages.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import grpc

from penstock.remote.messages import methods
from penstock.testing.ports import free_port

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    Handle = Callable[[Any, dict[str, str]], Any]

__all__ = ["FakeModelServer", "GrpcModelServer", "RefusalError"]

_THREADS = 16


class RefusalError(Exception):
    """What a fake model raises to answer with a code: ``RefusalError("INVALID_ARGUMENT", "row 3 is bad")``."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details


class FakeModelServer:
    """Serves while it is entered. What it is to do next may be changed at any time."""

    host = "127.0.0.1"

    def __init__(self, port: int = 0) -> None:
        """Prepare; port 0: one that no client's connection takes, so that a `start` after a `stop` finds it free."""
        self.port = port or free_port()
        self.failures: list[RefusalError] = []
        """Answers for the next calls of models, before these are asked at all."""
        self.held: threading.Event | None = None
        """If there is one, calls of models wait for it."""
        self.metadata: list[dict[str, str]] = []
        """What came with each call of a model."""

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve; after a `stop` again, at the same port."""
        raise NotImplementedError

    def stop(self) -> None:
        """Go away."""
        raise NotImplementedError

    def asked(self, metadata: dict[str, str]) -> None:
        """Note a call of a model, and do with it as told. Raises `RefusalError`."""
        self.metadata.append(metadata)
        if self.held is not None:
            self.held.wait()
        try:
            failure = self.failures.pop(0)
        except IndexError:  # none, or another call's by now
            return
        raise failure


class GrpcModelServer(FakeModelServer):
    """By gRPC."""

    credentials: grpc.ServerCredentials | None = None
    """For TLS."""
    _server: grpc.Server | None = None

    def services(self) -> Mapping[str, Mapping[str, Handle]]:
        """Return what answers, by service and method: given the request and its metadata; may raise `RefusalError`."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin to serve; after a `stop` again, at the same port."""
        # Else a second server at the port would be none's fault, and two would share its calls.
        self._server = grpc.server(ThreadPoolExecutor(_THREADS), options=(("grpc.so_reuseport", 0),))
        for service, handles in self.services().items():
            known = methods(service)
            handlers = {
                name: grpc.unary_unary_rpc_method_handler(
                    _guarded(handle),
                    request_deserializer=known[name].request.FromString,
                    response_serializer=known[name].response.SerializeToString,
                )
                for name, handle in handles.items()
            }
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        if self.credentials is None:
            self._server.add_insecure_port(self.address)
        else:
            self._server.add_secure_port(f"localhost:{self.port}", self.credentials)
        self._server.start()

    def stop(self) -> None:
        """Go away without a word: calls under way are cut off."""
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None


def _guarded(handle: Handle) -> Callable[[Any, grpc.ServicerContext], Any]:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return handle(request, {name: str(value) for name, value in context.invocation_metadata()})
        except RefusalError as refusal:
            context.abort(grpc.StatusCode[refusal.code], refusal.details)

    return answer
