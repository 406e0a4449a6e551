"""Client of the Open Inference Protocol, version 2, by HTTP: tensors go over as lists of JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import numpy as np

from jobs.service_job.calling import CallingClient
from jobs.service_job.client import ModelSpec, ModelState, Prediction, ServerState, Signature, TensorSpec
from jobs.service_job.oip import predicts_only, version_number, version_text
from penstock.remote.calls import CallError, CallKind
from penstock.remote.oip_tensors import datatype_of, from_list, to_list, word_of_datatype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.remote.rest import Rest
    from penstock.remote.tensors import Array

__all__ = ["OipRestClient"]


class _Tensor(msgspec.Struct):
    name: str
    datatype: str
    shape: list[int]
    data: Any = None


class _Metadata(msgspec.Struct):
    inputs: list[_Tensor]
    outputs: list[_Tensor]


class _Answer(msgspec.Struct):
    outputs: list[_Tensor]
    model_version: str | None = None


class OipRestClient(CallingClient["Rest"]):
    """A `ModelClient` of servers that speak the Open Inference Protocol by HTTP."""

    def metadata(self, spec: ModelSpec, timeout_s: float | None = None) -> Signature:
        """Ask what a model takes and gives."""
        found = _told(self._asked("GET", _path(spec), None, timeout_s), _Metadata)
        return Signature(inputs=_tensors(found.inputs), outputs=_tensors(found.outputs))

    def _state(self, spec: ModelSpec, timeout_s: float | None) -> ServerState:
        """Ask whether a model is ready; the protocol knows no other states."""
        try:
            self._asked("GET", f"{_path(spec)}/ready", None, timeout_s)
        except CallError as error:
            if error.kind is CallKind.REFUSED:  # 400 is how some servers say that a model is not ready
                return ServerState(ModelState.LOADING, spec.version, error.details)
            raise
        return ServerState(ModelState.AVAILABLE, spec.version, "")

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
        body = {"inputs": [_tensor(name, array) for name, array in inputs.items()]}
        answer = _told(self._asked("POST", f"{_path(spec)}/infer", body, timeout_s, until), _Answer)
        try:
            outputs = {each.name: from_list(each.data, each.datatype, each.shape) for each in answer.outputs}
        except ValueError as error:
            raise CallError("INTERNAL", f"its answer cannot be read: {error}", CallKind.FATAL) from error
        return Prediction(outputs, version_number(answer.model_version or ""))

    def _asked(self, method: str, path: str, body: object, timeout_s: float | None, until: float = math.inf) -> Any:
        def do(rest: Rest, attempt_s: float) -> Any:
            return rest.ask(method, path, body, attempt_s)

        return self._attempted(do, timeout_s, until)


def _path(spec: ModelSpec) -> str:
    version = version_text(spec)
    return f"/v2/models/{quote(spec.name, safe='')}" + (f"/versions/{quote(version, safe='')}" if version else "")


def _tensor(name: str, array: Array) -> dict[str, Any]:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        details = f"input {name!r}: JSON has neither NaN nor infinity; use transport: grpc for them"
        raise CallError("INVALID_ARGUMENT", details)
    try:
        return {"name": name, "datatype": datatype_of(array), "shape": list(array.shape), "data": to_list(array)}
    except ValueError as error:
        raise CallError("INVALID_ARGUMENT", str(error)) from error


def _told(answer: Any, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise CallError("INTERNAL", f"its answer cannot be read: {error}", CallKind.FATAL) from error


def _tensors(tensors: list[_Tensor]) -> dict[str, TensorSpec]:
    return {each.name: TensorSpec(word_of_datatype(each.datatype), tuple(each.shape)) for each in tensors}
