"""Client of the Open Inference Protocol, version 2, by gRPC: tensors go over raw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jobs.service_job.calling import CallingClient
from jobs.service_job.client import ModelSpec, ModelState, Prediction, ServerState, Signature, TensorSpec
from jobs.service_job.oip import predicts_only, version_number, version_text
from penstock.remote.calls import CallError, CallKind
from penstock.remote.messages import OPEN_INFERENCE, methods
from penstock.remote.oip_tensors import datatype_of, from_contents, from_raw, to_raw, word_of_datatype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.remote.channels import Channel
    from penstock.remote.endpoints import Endpoints
    from penstock.remote.retrying import RetryConfig
    from penstock.remote.tensors import Array

__all__ = ["OipGrpcClient"]


class OipGrpcClient(CallingClient["Channel"]):
    """A `ModelClient` of servers that speak the Open Inference Protocol by gRPC."""

    def __init__(self, endpoints: Endpoints[Channel], config: RetryConfig) -> None:
        super().__init__(endpoints, config)
        self._methods = methods(OPEN_INFERENCE)

    def metadata(self, spec: ModelSpec, timeout_s: float | None = None) -> Signature:
        """Ask what a model takes and gives."""
        method = self._methods["ModelMetadata"]
        request = method.request(name=spec.name, version=version_text(spec))
        response = self._asked(method, request, timeout_s)
        return Signature(inputs=_tensors(response.inputs), outputs=_tensors(response.outputs))

    def _state(self, spec: ModelSpec, timeout_s: float | None) -> ServerState:
        """Ask whether a model is ready; the protocol knows no other states."""
        method = self._methods["ModelReady"]
        response = self._asked(method, method.request(name=spec.name, version=version_text(spec)), timeout_s)
        if response.ready:
            return ServerState(ModelState.AVAILABLE, spec.version, "")
        return ServerState(ModelState.LOADING, spec.version, "the server says that the model is not ready")

    def predict(
        self,
        spec: ModelSpec,
        inputs: Mapping[str, Array],
        timeout_s: float | None = None,
        *,
        until: float = math.inf,
    ) -> Prediction:
        """Ask for a batch."""
        predicts_only(spec)
        method = self._methods["ModelInfer"]
        request = method.request(model_name=spec.name, model_version=version_text(spec))
        try:
            for name, array in inputs.items():
                request.inputs.add(name=name, datatype=datatype_of(array), shape=array.shape)
                request.raw_input_contents.append(to_raw(array))
        except ValueError as error:
            raise CallError("INVALID_ARGUMENT", str(error)) from error
        response = self._asked(method, request, timeout_s, until)
        return Prediction(_outputs(response), version_number(response.model_version))

    def _asked(self, method: Any, request: Any, timeout_s: float | None, until: float = math.inf) -> Any:
        def do(channel: Channel, attempt_s: float) -> Any:
            return channel.ask(method, request, attempt_s)

        return self._attempted(do, timeout_s, until)


def _outputs(response: Any) -> dict[str, Array]:
    raw = response.raw_output_contents
    try:
        if not raw:
            return {each.name: from_contents(each.contents, each.datatype, each.shape) for each in response.outputs}
        return {
            each.name: from_raw(content, each.datatype, each.shape)
            for each, content in zip(response.outputs, raw, strict=True)
        }
    except ValueError as error:
        raise CallError("INTERNAL", f"its answer cannot be read: {error}", CallKind.FATAL) from error


def _tensors(tensors: Any) -> dict[str, TensorSpec]:
    return {each.name: TensorSpec(word_of_datatype(each.datatype), tuple(each.shape)) for each in tensors}
