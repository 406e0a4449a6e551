"""Asking a model server whether it is well, in the words of what it speaks; no model need be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.remote.calls import CallError, CallKind
from penstock.remote.channels import Channel
from penstock.remote.messages import MODEL_SERVICE, OPEN_INFERENCE, methods
from penstock.remote.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.remote.channels import Tls

__all__ = ["ailment", "open_inference", "open_inference_rest", "tensorflow"]

#: No server has such a model: that it says so is all that a probe wants to know.
_NOBODY = "penstock-probe"


def tensorflow(channel: Channel, timeout_s: float) -> None:
    """Ask whether a server is well: it answers for its models, whether it has any or not. Raises `CallError`."""
    method = methods(MODEL_SERVICE)["GetModelStatus"]
    request = method.request()
    request.model_spec.name = _NOBODY
    channel.probe(method, request, timeout_s)


def open_inference(channel: Channel, timeout_s: float) -> None:
    """Ask whether a server is ready. Raises `CallError`."""
    method = methods(OPEN_INFERENCE)["ServerReady"]
    if not channel.probe(method, method.request(), timeout_s).ready:
        raise CallError("UNAVAILABLE", "the server says that it is not ready", server=channel.server)


def open_inference_rest(rest: Rest, timeout_s: float) -> None:
    """Ask whether a server is ready: its status says so. Raises `CallError`."""
    rest.ask("GET", "/v2/health/ready", None, timeout_s)


#: By protocol and transport.
_WAYS: dict[tuple[str, str], tuple[Callable[..., Any], Callable[[Any, float], None]]] = {
    ("tensorflow", "grpc"): (Channel, tensorflow),
    ("open-inference", "grpc"): (Channel, open_inference),
    ("open-inference", "rest"): (Rest, open_inference_rest),
}


def ailment(
    server: str, way: tuple[str, str], tls: Tls | None, metadata: Mapping[str, str], timeout_s: float
) -> CallError | None:
    """Ask one server once, by a connection of its own.

    Args:
        server: host and port.
        way: protocol and transport.
        tls: None: plain text.
        metadata: sent with the call.
        timeout_s: for one call; there may be two, and a second between them, where there is no connection.

    Returns what it fails of; None: it answers, and be it that it refuses the call.
    """
    connect, ask = _WAYS[way]
    connection = connect(server, tls, metadata)
    try:
        ask(connection, timeout_s)
    except CallError as error:
        return error if error.kind is CallKind.RETRY else None
    finally:
        connection.close()
    return None
