"""Small servers of the Open Inference Protocol, one by gRPC and one by HTTP; their one model doubles ``x``."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.remote.messages import OPEN_INFERENCE, message
from penstock.remote.oip_tensors import datatype_of, from_list, from_raw, to_list, to_raw
from penstock.testing.model_servers import FakeModelServer, GrpcModelServer, RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.remote.tensors import Array
    from penstock.testing.model_servers import Handle

__all__ = ["MODEL", "GrpcServer", "OipServer", "RestServer"]

MODEL = "double"
_CODES = {"UNAVAILABLE": 503, "RESOURCE_EXHAUSTED": 429, "INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "INTERNAL": 500}


class OipServer(FakeModelServer):
    """What both do: answer for the model, version 1, or as they are told."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = True
        """The server and the model."""
        self.calls: list[str] = []
        """Version that each was for."""

    def found(self, name: str, version: str) -> None:
        """See that there is such a model."""
        if name != MODEL or version not in {"", "1", "stable"}:
            raise RefusalError("NOT_FOUND", f"model {name} {version} is not there")

    def infer(self, version: str, headers: dict[str, str], inputs: dict[str, Array]) -> dict[str, Array]:
        """Double ``x``, and give strings back as they came."""
        self.calls.append(version)
        self.asked(headers)
        if (inputs["x"] < 0).any():
            raise RefusalError("INVALID_ARGUMENT", "a row is negative")
        return {"y": inputs["x"] * 2, **{name: array for name, array in inputs.items() if name != "x"}}


class GrpcServer(OipServer, GrpcModelServer):
    """By gRPC; ``raw`` says how it answers."""

    def __init__(self, *, raw: bool = True) -> None:
        super().__init__()
        self.raw = raw

    def services(self) -> Mapping[str, Mapping[str, Handle]]:
        """Return what answers."""
        return {
            OPEN_INFERENCE: {
                "ServerReady": lambda *_: message("inference.ServerReadyResponse")(ready=self.ready),
                "ModelReady": self._model_ready,
                "ModelMetadata": self._model_metadata,
                "ModelInfer": self._model_infer,
            }
        }

    def _model_ready(self, request: Any, metadata: dict[str, str]) -> Any:
        self.found(request.name, request.version)
        return message("inference.ModelReadyResponse")(ready=self.ready)

    def _model_metadata(self, request: Any, metadata: dict[str, str]) -> Any:
        self.found(request.name, request.version)
        response = message("inference.ModelMetadataResponse")(name=request.name, versions=["1"])
        response.inputs.add(name="x", datatype="FP32", shape=[-1, 1])
        response.outputs.add(name="y", datatype="FP32", shape=[-1, 1])
        return response

    def _model_infer(self, request: Any, metadata: dict[str, str]) -> Any:
        self.found(request.model_name, request.model_version)
        inputs = {
            tensor.name: from_raw(content, tensor.datatype, tensor.shape)
            for tensor, content in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        response = message("inference.ModelInferResponse")(model_name=request.model_name, model_version="1")
        for name, array in self.infer(request.model_version, metadata, inputs).items():
            output = response.outputs.add(name=name, datatype=datatype_of(array), shape=array.shape)
            if self.raw:
                response.raw_output_contents.append(to_raw(array))
            else:
                output.contents.fp32_contents.extend(array.ravel().tolist())
        return response


class RestServer(OipServer):
    """By HTTP, or with certificates by HTTPS."""

    host = "localhost"

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

        self._server = ThreadingHTTPServer((self.host, self.port), Handler)
        self._server.daemon_threads = True
        if self._certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificates / "server.pem")
            context.load_verify_locations(self._certificates / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
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
        except RefusalError as refusal:
            status, answer = _CODES[refusal.code], json.dumps({"error": refusal.details}).encode()
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
                raise RefusalError("UNAVAILABLE", "not ready")
            return b""
        version = path[4] if path[3:4] == ["versions"] else ""
        self.found(path[2], version)
        match path[-1]:
            case "ready":
                if not self.ready:
                    raise RefusalError("INVALID_ARGUMENT", "not ready")
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
