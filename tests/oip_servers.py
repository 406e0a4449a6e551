"""Small servers of the Open Inference Protocol, one by gRPC and one by HTTP; their one model doubles ``x``."""

from __future__ import annotations

import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import grpc
import numpy as np

from penstock.remote.messages import OPEN_INFERENCE, message, methods
from penstock.remote.oip_tensors import datatype_of, from_list, from_raw, to_list, to_raw

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.remote.tensors import Array

__all__ = ["MODEL", "GrpcServer", "OipServer", "RestServer"]

MODEL = "double"
_CODES = {"UNAVAILABLE": 503, "RESOURCE_EXHAUSTED": 429, "INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "INTERNAL": 500}


class RefusedError(Exception):
    """An answer other than a result: code and details."""


class OipServer:
    """What both do: answer for the model, version 1, or as they are told."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        """Codes for the next calls of the model."""
        self.ready = True
        """The server and the model."""
        self.held: threading.Event | None = None
        """If there is one, calls of the model wait for it."""
        self.calls: list[str] = []
        """Version that each was for."""
        self.headers: list[dict[str, str]] = []
        """Of each call of the model."""
        self.port = 0

    @property
    def address(self) -> str:
        """Host and port."""
        return f"localhost:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve."""
        raise NotImplementedError

    def stop(self) -> None:
        """Go away."""
        raise NotImplementedError

    def found(self, name: str, version: str) -> None:
        """See that there is such a model."""
        if name != MODEL or version not in {"", "1", "stable"}:
            raise RefusedError("NOT_FOUND", f"model {name} {version} is not there")

    def infer(self, version: str, headers: dict[str, str], inputs: dict[str, Array]) -> dict[str, Array]:
        """Double ``x``, and give strings back as they came."""
        self.calls.append(version)
        self.headers.append(headers)
        if self.held is not None:
            self.held.wait()
        if self.failures:
            raise RefusedError(self.failures.pop(0), "as told")
        if (inputs["x"] < 0).any():
            raise RefusedError("INVALID_ARGUMENT", "a row is negative")
        return {"y": inputs["x"] * 2, **{name: array for name, array in inputs.items() if name != "x"}}


class GrpcServer(OipServer):
    """By gRPC; ``raw`` says how it answers."""

    def __init__(self, *, raw: bool = True) -> None:
        super().__init__()
        self.raw = raw
        self._server: grpc.Server | None = None

    def start(self) -> None:
        """Begin to serve; after a `stop` again, at the same port."""
        self._server = grpc.server(ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
        known = methods(OPEN_INFERENCE)
        handles = {
            "ServerReady": lambda _: known["ServerReady"].response(ready=self.ready),
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._guarded(handle),
                request_deserializer=known[name].request.FromString,
                response_serializer=lambda response: response.SerializeToString(),
            )
            for name, handle in handles.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(OPEN_INFERENCE, handlers),))
        self.port = self._server.add_insecure_port(self.address)
        self._server.start()

    def stop(self) -> None:
        """Cut calls off."""
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None

    def _guarded(self, handle: Any) -> Any:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            self._context = context
            try:
                return handle(request)
            except RefusedError as refusal:
                code, details = refusal.args
                context.abort(grpc.StatusCode[code], details)

        return answer

    def _model_ready(self, request: Any) -> Any:
        self.found(request.name, request.version)
        return message("inference.ModelReadyResponse")(ready=self.ready)

    def _model_metadata(self, request: Any) -> Any:
        self.found(request.name, request.version)
        response = message("inference.ModelMetadataResponse")(name=request.name, versions=["1"])
        response.inputs.add(name="x", datatype="FP32", shape=[-1, 1])
        response.outputs.add(name="y", datatype="FP32", shape=[-1, 1])
        return response

    def _model_infer(self, request: Any) -> Any:
        self.found(request.model_name, request.model_version)
        inputs = {
            tensor.name: from_raw(content, tensor.datatype, tensor.shape)
            for tensor, content in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        headers = {name: str(value) for name, value in self._context.invocation_metadata()}
        response = message("inference.ModelInferResponse")(model_name=request.model_name, model_version="1")
        for name, array in self.infer(request.model_version, headers, inputs).items():
            output = response.outputs.add(name=name, datatype=datatype_of(array), shape=array.shape)
            if self.raw:
                response.raw_output_contents.append(to_raw(array))
            else:
                output.contents.fp32_contents.extend(array.ravel().tolist())
        return response


class RestServer(OipServer):
    """By HTTP, or with certificates by HTTPS."""

    def __init__(self, certificates: Path | None = None) -> None:
        super().__init__()
        self.body: bytes | None = None
        """If there is one, the answer to each infer, whatever was asked."""
        self._certificates = certificates
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Begin to serve; after a `stop` again, at the same port."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._handle(self, None)

            def do_POST(self) -> None:
                outer._handle(self, json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
                pass

        self._server = ThreadingHTTPServer(("localhost", self.port), Handler)
        self._server.daemon_threads = True
        if self._certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificates / "server.pem")
            context.load_verify_locations(self._certificates / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Take no more calls."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handle(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        try:
            status, answer = 200, self._answer(handler, body)
        except RefusedError as refusal:
            code, details = refusal.args
            status, answer = _CODES[code], json.dumps({"error": details}).encode()
        handler.send_response(status)
        handler.send_header("content-length", str(len(answer)))
        # Else connections that a stopped server left open would be answered still.
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write(answer)
        handler.close_connection = True

    def _answer(self, handler: BaseHTTPRequestHandler, body: Any) -> bytes:
        path = handler.path.strip("/").split("/")
        if path == ["v2", "health", "ready"]:
            if not self.ready:
                raise RefusedError("UNAVAILABLE", "not ready")
            return b""
        version = path[4] if path[3:4] == ["versions"] else ""
        self.found(path[2], version)
        match path[-1]:
            case "ready":
                if not self.ready:
                    raise RefusedError("INVALID_ARGUMENT", "not ready")
                return b""
            case "infer":
                return self._inferred(version, dict(handler.headers), body)
        tensor = {"datatype": "FP32", "shape": [-1, 1]}
        found = {"name": MODEL, "inputs": [{"name": "x", **tensor}], "outputs": [{"name": "y", **tensor}]}
        return json.dumps(found).encode()

    def _inferred(self, version: str, headers: dict[str, str], body: Any) -> bytes:
        inputs = {each["name"]: from_list(each["data"], each["datatype"], each["shape"]) for each in body["inputs"]}
        found = self.infer(version, {name.lower(): value for name, value in headers.items()}, inputs)
        if self.body is not None:
            return self.body
        outputs = [
            {"name": name, "datatype": datatype_of(each), "shape": list(each.shape), "data": to_list(np.asarray(each))}
            for name, each in found.items()
        ]
        return json.dumps({"model_name": MODEL, "model_version": "1", "outputs": outputs}).encode()
