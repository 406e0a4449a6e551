"""Client of TensorFlow Serving by gRPC: Predict, Classify, Regress, GetModelMetadata and GetModelStatus."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jobs.service_job.calling import CallingClient
from jobs.service_job.client import Method, ModelSpec, ModelState, Prediction, ServerState, Signature
from jobs.service_job.examples import classes_of, filled, values_of
from jobs.service_job.saved_model import signature_of
from penstock.remote.calls import CallError, CallKind
from penstock.remote.messages import MODEL_SERVICE, PREDICTION_SERVICE, message, methods
from penstock.remote.tensors import Array, from_proto, to_proto

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.remote.channels import Channel
    from penstock.remote.endpoints import Endpoints
    from penstock.remote.retrying import RetryConfig

__all__ = ["TensorFlowClient"]

_METADATA = "signature_def"
#: How TensorFlow Serving says, as INVALID_ARGUMENT, that no version has the label: its text, there is no code for it.
_NO_LABEL = "Unrecognized servable version label"


class TensorFlowClient(CallingClient["Channel"]):
    """A `ModelClient` of servers that speak TensorFlow Serving's protocol."""

    def __init__(self, endpoints: Endpoints[Channel], config: RetryConfig) -> None:
        super().__init__(endpoints, config)
        prediction = methods(PREDICTION_SERVICE)
        self._methods = {
            Method.PREDICT: prediction["Predict"],
            Method.CLASSIFY: prediction["Classify"],
            Method.REGRESS: prediction["Regress"],
        }
        self._get_metadata = prediction["GetModelMetadata"]
        self._get_status = methods(MODEL_SERVICE)["GetModelStatus"]
        self._signatures = message("tensorflow.serving.SignatureDefMap")

    def metadata(self, spec: ModelSpec, timeout_s: float | None = None) -> Signature:
        """Ask what a model takes and gives by its signature."""
        request = self._get_metadata.request()
        _specify(request.model_spec, spec, signature=False)
        request.metadata_field.append(_METADATA)
        response = self._asked(self._get_metadata, request, timeout_s)
        signatures = self._signatures.FromString(response.metadata[_METADATA].value).signature_def
        if spec.signature not in signatures:
            known = ", ".join(sorted(name for name in signatures if not name.startswith("__")))
            raise CallError(
                "INVALID_ARGUMENT",
                f"model {str(spec)!r} has no signature {spec.signature!r}; it has: {known or 'none'}",
                CallKind.FATAL,
            )
        return signature_of(signatures[spec.signature])

    def _state(self, spec: ModelSpec, timeout_s: float | None) -> ServerState:
        """Ask how far a model is; of several versions the newest one that is available."""
        request = self._get_status.request()
        # TensorFlow Serving does not look at the label here, and tells all versions; the embedded server looks.
        _specify(request.model_spec, spec, signature=False)
        response = self._asked(self._get_status, request, timeout_s)
        states = [_state(each) for each in response.model_version_status]
        newest = sorted(states, key=lambda one: (one.state is ModelState.AVAILABLE, one.version or 0))
        return newest[-1] if newest else ServerState(ModelState.ABSENT, spec.version, "it has no version of the model")

    def predict(
        self,
        spec: ModelSpec,
        inputs: Mapping[str, Array],
        timeout_s: float | None = None,
        *,
        until: float = math.inf,
    ) -> Prediction:
        """Ask for a batch by the spec's method."""
        method = self._methods[spec.method]
        request = method.request()
        _specify(request.model_spec, spec)
        _fill(request, spec.method, inputs)
        response = self._asked(method, request, timeout_s, until)
        return Prediction(_outputs(spec.method, response), _version(response.model_spec))

    def _asked(self, method: Any, request: Any, timeout_s: float | None, until: float = math.inf) -> Any:
        def do(channel: Channel, attempt_s: float) -> Any:
            try:
                return channel.ask(method, request, attempt_s)
            except CallError as error:
                if error.code == "INVALID_ARGUMENT" and request.model_spec.version_label and _NO_LABEL in error.details:
                    # No row's fault: whoever runs the server has yet to set the label.
                    raise CallError(error.code, error.details, CallKind.ABSENT, error.server) from error
                raise

        return self._attempted(do, timeout_s, until)


def _specify(found: Any, spec: ModelSpec, *, signature: bool = True) -> None:
    found.name = spec.name
    if spec.version is not None:
        found.version.value = spec.version
    elif spec.label is not None:
        found.version_label = spec.label
    if signature:
        found.signature_name = spec.signature


def _fill(request: Any, method: Method, inputs: Mapping[str, Array]) -> None:
    try:
        if method is Method.PREDICT:
            for name, array in inputs.items():
                to_proto(array, request.inputs[name])
        else:
            filled(request.input.example_list.examples, inputs)
    except ValueError as error:
        raise CallError("INVALID_ARGUMENT", str(error)) from error


def _version(spec: Any) -> int | None:
    return spec.version.value if spec.HasField("version") else None


def _outputs(method: Method, response: Any) -> dict[str, Array]:
    """Read an answer. What cannot be read is no row's fault."""
    try:
        match method:
            case Method.PREDICT:
                return {name: from_proto(tensor) for name, tensor in response.outputs.items()}
            case Method.CLASSIFY:
                return classes_of(response.result)
            case Method.REGRESS:
                return values_of(response.result)
    except ValueError as error:
        raise CallError("INTERNAL", f"its answer cannot be read: {error}", CallKind.FATAL) from error


def _state(status: Any) -> ServerState:
    value = status.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number.get(status.state)
    name = "" if value is None else value.name
    state = ModelState.__members__.get(name, ModelState.UNKNOWN)
    return ServerState(state, status.version, status.status.error_message)
