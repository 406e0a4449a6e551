"""The two services and a sign of health, over gRPC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import grpc
from grpc import aio

from penstock.errors import StackError
from penstock.local.model_server.refusal import Refusal
from penstock.logs import get_logger
from penstock.remote.messages import MODEL_SERVICE, PREDICTION_SERVICE, methods

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from penstock.local.model_server.management import Management
    from penstock.local.model_server.prediction import Prediction

__all__ = ["listen"]

_log = get_logger(__name__)
#: Largest message either way, as TensorFlow Serving has it.
_MOST_BYTES = 64 << 20
_HEALTH = "grpc.health.v1.Health"
#: HealthCheckResponse(status=SERVING), which is all that is ever said of any service.
_SERVING = b"\x08\x01"
_STATUS = {code.value[0]: code for code in grpc.StatusCode}
_WORDS = re.compile(r"(?<!^)(?=[A-Z])")


async def listen(address: str, prediction: Prediction, management: Management) -> aio.Server:
    """Start to serve at an address, ``host:port``, and return the server.

    Raises:
        StackError: the address cannot be listened at.
    """
    server = aio.server(
        options=[
            ("grpc.max_receive_message_length", _MOST_BYTES),
            ("grpc.max_send_message_length", _MOST_BYTES),
            ("grpc.so_reuseport", 0),  # else a second server would take half of the calls without a word
        ]
    )
    server.add_generic_rpc_handlers(
        (_service(PREDICTION_SERVICE, prediction), _service(MODEL_SERVICE, management), _health())
    )
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        advice = f"{address} cannot be listened at: {error}; does another program, or 'local.model_server_port' of"
        raise StackError("model server", "", f"{advice} another stack, have it?") from error
    await server.start()
    return server


def _service(name: str, service: object) -> grpc.GenericRpcHandler:
    """The methods of a service; those in Python have the same names in its manner."""
    handlers = {
        each: grpc.unary_unary_rpc_method_handler(
            _answering(getattr(service, _WORDS.sub("_", each).lower())),
            method.request.FromString,
            method.response.SerializeToString,
        )
        for each, method in methods(name).items()
    }
    return grpc.method_handlers_generic_handler(name, handlers)


def _answering(method: Callable[[Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    """A method that ends calls as gRPC wants it."""

    async def answer(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        try:
            return await method(request)
        except Refusal as refusal:
            code, text = _STATUS.get(refusal.code, grpc.StatusCode.UNKNOWN), str(refusal)
        except Exception as error:  # noqa: BLE001  a fault of ours: the caller hears of it, the server goes on
            _log.exception("a call failed", method=method.__name__)
            code, text = grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
        return await context.abort(code, text)

    return answer


def _health() -> grpc.GenericRpcHandler:
    async def check(*_: object) -> bytes:
        return _SERVING

    return grpc.method_handlers_generic_handler(_HEALTH, {"Check": grpc.unary_unary_rpc_method_handler(check)})
