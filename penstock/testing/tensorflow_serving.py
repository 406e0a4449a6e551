"""A server that speaks TensorFlow Serving's protocol in the test's process; its models are functions over arrays.

It is real at its outside: gRPC over a socket, the same messages. ``penstock.local.model_server`` has real models, too.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import grpc
import numpy as np

from penstock.remote.messages import MODEL_SERVICE, PREDICTION_SERVICE, Method, message, methods
from penstock.remote.tensors import Array, from_proto, number_of, to_proto

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

__all__ = ["FakeModel", "FakeTensorFlowServing", "RefusalError"]

_THREADS = 16
_STATES = {"START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}


class RefusalError(Exception):
    """What a fake model raises to answer with a code: ``RefusalError("INVALID_ARGUMENT", "row 3 is bad")``."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details


@dataclass(slots=True, kw_only=True)
class FakeModel:
    """A model with one signature."""

    score: Callable[[Mapping[str, Array]], Mapping[str, Array]]
    """For Classify it gives ``classes`` and ``scores``, for Regress ``value``; it is given the Examples' features."""
    inputs: Mapping[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    """Of each input word and shape, for GetModelMetadata."""
    outputs: Mapping[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    signature: str = "serving_default"
    method: str = "tensorflow/serving/predict"
    state: str = "AVAILABLE"
    """In GetModelStatus; others than ``AVAILABLE`` are not found by calls."""
    version: int = 1
    labels: tuple[str, ...] = ()


class FakeTensorFlowServing:
    """Serves while it is entered. What it is asked, and what it is to do next, may be changed at any time."""

    def __init__(
        self,
        models: Mapping[str, FakeModel],
        *,
        port: int = 0,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        """Prepare.

        Args:
            models: by name.
            port: 0: any that is free.
            credentials: for TLS.
        """
        self.models = dict(models)
        self.port = port
        self.failures: list[RefusalError] = []
        """Answers for the next calls of models, before these are asked at all."""
        self.held: threading.Event | None = None
        """If there is one, calls of models wait for it."""
        self.batches: list[int] = []
        """Rows of each Predict that reached its model."""
        self.metadata: list[dict[str, str]] = []
        """What came with each call of a model."""
        self._credentials = credentials
        self._server: grpc.Server | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve; after a `stop` again, at the same port."""
        # Else a second server at the port would be none's fault, and two would share its calls.
        self._server = grpc.server(ThreadPoolExecutor(_THREADS), options=(("grpc.so_reuseport", 0),))
        prediction, status = methods(PREDICTION_SERVICE), methods(MODEL_SERVICE)
        of_models = {
            "Predict": self._predict,
            "Classify": self._classify,
            "Regress": self._regress,
            "GetModelMetadata": self._get_metadata,
        }
        self._serve(PREDICTION_SERVICE, {name: (prediction[name], handle) for name, handle in of_models.items()})
        self._serve(MODEL_SERVICE, {"GetModelStatus": (status["GetModelStatus"], self._get_status)})
        if self._credentials is None:
            self.port = self._server.add_insecure_port(self.address)
        else:
            self.port = self._server.add_secure_port(f"localhost:{self.port}", self._credentials)
        self._server.start()

    def stop(self) -> None:
        """Go away without a word: calls under way are cut off."""
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None

    def _serve(self, service: str, handles: Mapping[str, tuple[Method, Callable[..., Any]]]) -> None:
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                handle, request_deserializer=method.request.FromString, response_serializer=_serialized
            )
            for name, (method, handle) in handles.items()
        }
        assert self._server is not None  # noqa: S101 (for the type checker)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))

    def _found(self, spec: Any, context: grpc.ServicerContext) -> FakeModel:
        self.metadata.append({name: str(value) for name, value in context.invocation_metadata()})
        if self.held is not None:
            self.held.wait()
        if self.failures:
            _abort(context, self.failures.pop(0))
        model = self.models.get(spec.name)
        _require_label(spec, model, context)
        if model is None or model.state != "AVAILABLE" or not _is_meant(spec, model):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({spec.name})")
            raise AssertionError
        if spec.signature_name and spec.signature_name != model.signature:
            _abort(context, RefusalError("INVALID_ARGUMENT", f"Serving signature key {spec.signature_name} not found."))
        return model

    def _predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = self._found(request.model_spec, context)
        inputs = {name: from_proto(tensor) for name, tensor in request.inputs.items()}
        self.batches.append(len(next(iter(inputs.values()))))
        response = message("tensorflow.serving.PredictResponse")()
        _specify(response, request, model)
        for name, array in _scored(model, inputs, context).items():
            to_proto(np.asarray(array), response.outputs[name])
        return response

    def _classify(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = self._found(request.model_spec, context)
        found = _scored(model, _features(request), context)
        response = message("tensorflow.serving.ClassificationResponse")()
        _specify(response, request, model)
        for labels, scores in zip(found["classes"], found["scores"], strict=True):
            row = response.result.classifications.add()
            for label, score in zip(labels, scores, strict=True):
                row.classes.add(label=label, score=score)
        return response

    def _regress(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = self._found(request.model_spec, context)
        response = message("tensorflow.serving.RegressionResponse")()
        _specify(response, request, model)
        for value in _scored(model, _features(request), context)["value"]:
            response.result.regressions.add(value=value)
        return response

    def _get_metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = self._found(request.model_spec, context)
        signatures = message("tensorflow.serving.SignatureDefMap")()
        signature = signatures.signature_def[model.signature]
        signature.method_name = model.method
        for tensors, infos in ((model.inputs, signature.inputs), (model.outputs, signature.outputs)):
            for name, (word, shape) in tensors.items():
                infos[name].dtype = number_of(word)
                for size in shape:
                    infos[name].tensor_shape.dim.add(size=size)
        response = message("tensorflow.serving.GetModelMetadataResponse")()
        _specify(response, request, model)
        response.metadata["signature_def"].Pack(signatures)
        return response

    def _get_status(self, request: Any, context: grpc.ServicerContext) -> Any:
        model = self.models.get(request.model_spec.name)
        _require_label(request.model_spec, model, context)
        if model is None or not _is_meant(request.model_spec, model):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of {request.model_spec.name}")
            raise AssertionError
        response = message("tensorflow.serving.GetModelStatusResponse")()
        response.model_version_status.add(version=model.version, state=_STATES[model.state])
        return response


def _serialized(response: Any) -> bytes:
    content: bytes = response.SerializeToString()
    return content


def _is_meant(spec: Any, model: FakeModel) -> bool:
    return not spec.HasField("version") or bool(spec.version.value == model.version)


def _require_label(spec: Any, model: FakeModel | None, context: grpc.ServicerContext) -> None:
    if spec.version_label and (model is None or spec.version_label not in model.labels):
        _abort(context, RefusalError("INVALID_ARGUMENT", f"Unrecognized servable version label: {spec.version_label}"))


def _specify(response: Any, request: Any, model: FakeModel) -> None:
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = model.version


def _scored(model: FakeModel, inputs: Mapping[str, Array], context: grpc.ServicerContext) -> Mapping[str, Array]:
    try:
        return model.score(inputs)
    except RefusalError as refusal:
        _abort(context, refusal)
        raise


def _abort(context: grpc.ServicerContext, refusal: RefusalError) -> None:
    context.abort(grpc.StatusCode[refusal.code], refusal.details)


def _features(request: Any) -> dict[str, Array]:
    columns: dict[str, list[Any]] = {}
    for example in request.input.example_list.examples:
        for name, feature in example.features.feature.items():
            kind = feature.WhichOneof("kind")
            columns.setdefault(name, []).append(list(getattr(feature, kind).value))
    return {name: np.array(rows) for name, rows in columns.items()}
