"""A server that speaks TensorFlow Serving's protocol in the test's process; its models are functions over arrays.

``penstock.local.model_server`` has real models, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.remote.messages import MODEL_SERVICE, PREDICTION_SERVICE, message
from penstock.remote.tensors import Array, from_proto, number_of, to_proto
from penstock.testing.model_servers import GrpcModelServer, RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import grpc

    from penstock.testing.model_servers import Handle

__all__ = ["FakeModel", "FakeTensorFlowServing"]

_STATES = {"START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}


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


class FakeTensorFlowServing(GrpcModelServer):
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
            port: 0: one that is free.
            credentials: for TLS.
        """
        super().__init__(port)
        self.models = dict(models)
        self.batches: list[int] = []
        """Rows of each Predict that reached its model."""
        self.credentials = credentials

    def services(self) -> Mapping[str, Mapping[str, Handle]]:
        """Return what answers."""
        of_models = {
            "Predict": self._predict,
            "Classify": self._classify,
            "Regress": self._regress,
            "GetModelMetadata": self._get_metadata,
        }
        return {PREDICTION_SERVICE: of_models, MODEL_SERVICE: {"GetModelStatus": self._get_status}}

    def _found(self, spec: Any, metadata: dict[str, str]) -> FakeModel:
        self.asked(metadata)
        model = self.models.get(spec.name)
        _require_label(spec, model)
        if model is None or model.state != "AVAILABLE" or not _is_meant(spec, model):
            raise RefusalError("NOT_FOUND", f"Servable not found for request: Latest({spec.name})")
        if spec.signature_name and spec.signature_name != model.signature:
            raise RefusalError("INVALID_ARGUMENT", f"Serving signature key {spec.signature_name} not found.")
        return model

    def _predict(self, request: Any, metadata: dict[str, str]) -> Any:
        model = self._found(request.model_spec, metadata)
        inputs = {name: from_proto(tensor) for name, tensor in request.inputs.items()}
        self.batches.append(len(next(iter(inputs.values()))))
        response = message("tensorflow.serving.PredictResponse")()
        _specify(response, request, model)
        for name, array in model.score(inputs).items():
            to_proto(np.asarray(array), response.outputs[name])
        return response

    def _classify(self, request: Any, metadata: dict[str, str]) -> Any:
        model = self._found(request.model_spec, metadata)
        found = model.score(_features(request))
        response = message("tensorflow.serving.ClassificationResponse")()
        _specify(response, request, model)
        for labels, scores in zip(found["classes"], found["scores"], strict=True):
            row = response.result.classifications.add()
            for label, score in zip(labels, scores, strict=True):
                row.classes.add(label=label, score=score)
        return response

    def _regress(self, request: Any, metadata: dict[str, str]) -> Any:
        model = self._found(request.model_spec, metadata)
        response = message("tensorflow.serving.RegressionResponse")()
        _specify(response, request, model)
        for value in model.score(_features(request))["value"]:
            response.result.regressions.add(value=value)
        return response

    def _get_metadata(self, request: Any, metadata: dict[str, str]) -> Any:
        model = self._found(request.model_spec, metadata)
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

    def _get_status(self, request: Any, metadata: dict[str, str]) -> Any:
        model = self.models.get(request.model_spec.name)
        _require_label(request.model_spec, model)
        if model is None or not _is_meant(request.model_spec, model):
            raise RefusalError("NOT_FOUND", f"Could not find any versions of {request.model_spec.name}")
        response = message("tensorflow.serving.GetModelStatusResponse")()
        response.model_version_status.add(version=model.version, state=_STATES[model.state])
        return response


def _is_meant(spec: Any, model: FakeModel) -> bool:
    return not spec.HasField("version") or bool(spec.version.value == model.version)


def _require_label(spec: Any, model: FakeModel | None) -> None:
    if spec.version_label and (model is None or spec.version_label not in model.labels):
        raise RefusalError("INVALID_ARGUMENT", f"Unrecognized servable version label: {spec.version_label}")


def _specify(response: Any, request: Any, model: FakeModel) -> None:
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = model.version


def _features(request: Any) -> dict[str, Array]:
    columns: dict[str, list[Any]] = {}
    for example in request.input.example_list.examples:
        for name, feature in example.features.feature.items():
            kind = feature.WhichOneof("kind")
            columns.setdefault(name, []).append(list(getattr(feature, kind).value))
    return {name: np.array(rows) for name, rows in columns.items()}
