"""PredictionService: what is asked of models, in the messages of TensorFlow Serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.local.model_server import signatures
from penstock.local.model_server.refusal import Code, Refusal
from penstock.local.model_server.signatures import CLASSIFY, DEFAULT, REGRESS, dtype_name
from penstock.remote.messages import message
from penstock.remote.tensors import from_proto, to_proto

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from penstock.local.model_server.repository import Repository, Version
    from penstock.local.model_server.running import Runner
    from penstock.local.model_server.signatures import Signature

__all__ = ["Prediction", "require_spec"]

_SIGNATURES = "signature_def"
_ANY = "type.googleapis.com/"
#: Names that classifiers and regressors give what goes in and comes out.
_INPUTS, _CLASSES, _SCORES, _VALUES = "inputs", "classes", "scores", "outputs"
_MATRIX = 2


class Prediction:
    """The service's methods; each takes a request and returns a response, or raises `Refusal`."""

    def __init__(self, repository: Repository, runner: Runner) -> None:
        self._repository = repository
        self._runner = runner

    async def predict(self, request: Any) -> Any:
        """Tensors in, tensors out."""
        spec = require_spec(request)
        with self._repository.held(self._version(spec)) as version:
            name = spec.signature_name or DEFAULT
            signature = version.servable.signatures.get(name)
            if signature is None:
                raise Refusal(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
            wanted = _filtered(signature, list(request.output_filter))
            inputs = {each: _array(each, tensor, signature) for each, tensor in request.inputs.items()}
            outputs = await self._runner.run(version, name, inputs)
        response = message("tensorflow.serving.PredictResponse")()
        _fill(response.model_spec, version, name)
        for each in wanted:
            to_proto(outputs[each], response.outputs[each])
        return response

    async def classify(self, request: Any) -> Any:
        """Examples in, classes with scores out."""
        response = message("tensorflow.serving.ClassificationResponse")()
        await self._classify(require_spec(request), request.input, response)
        return response

    async def regress(self, request: Any) -> Any:
        """Examples in, a number for each out."""
        response = message("tensorflow.serving.RegressionResponse")()
        await self._regress(require_spec(request), request.input, response)
        return response

    async def multi_inference(self, request: Any) -> Any:
        """Several of the two before, for the same examples."""
        if not request.tasks:
            raise Refusal(Code.INVALID_ARGUMENT, "Inference request must specify at least one task")
        if len({task.model_spec.name for task in request.tasks}) > 1:
            raise Refusal(Code.INVALID_ARGUMENT, "All ModelSpecs in a MultiInferenceRequest must access the same model")
        response = message("tensorflow.serving.MultiInferenceResponse")()
        for task in request.tasks:
            result = response.results.add()
            match task.method_name:
                case signatures.CLASSIFY:
                    answer = message("tensorflow.serving.ClassificationResponse")()
                    await self._classify(task.model_spec, request.input, answer)
                    result.classification_result.CopyFrom(answer.result)
                case signatures.REGRESS:
                    answer = message("tensorflow.serving.RegressionResponse")()
                    await self._regress(task.model_spec, request.input, answer)
                    result.regression_result.CopyFrom(answer.result)
                case other:
                    raise Refusal(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {other}")
            result.model_spec.CopyFrom(answer.model_spec)
        return response

    async def get_model_metadata(self, request: Any) -> Any:
        """Tell the signatures."""
        spec = require_spec(request)
        if not request.metadata_field:
            raise Refusal(Code.INVALID_ARGUMENT, "GetModelMetadataRequest must specify at least one metadata_field")
        for each in request.metadata_field:
            if each != _SIGNATURES:
                raise Refusal(Code.INVALID_ARGUMENT, f"Metadata field {each} is not supported")
        version = self._version(spec)
        found = message("tensorflow.serving.SignatureDefMap")()
        for name, signature in version.servable.signatures.items():
            found.signature_def[name].CopyFrom(signature.definition)
        response = message("tensorflow.serving.GetModelMetadataResponse")()
        _fill(response.model_spec, version)
        packed = response.metadata[_SIGNATURES]
        packed.type_url = _ANY + found.DESCRIPTOR.full_name
        packed.value = found.SerializeToString()
        return response

    def _version(self, spec: Any) -> Version:
        if not spec.name:
            raise Refusal(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        number = spec.version.value if spec.HasField("version") else None
        return self._repository.version(spec.name, number, spec.version_label)

    async def _classify(self, spec: Any, given: Any, response: Any) -> None:
        version, name, outputs = await self._of_examples(spec, given, CLASSIFY)
        rows = len(next(iter(outputs.values())))
        classes, scores = outputs.get(_CLASSES), outputs.get(_SCORES)
        for each, array in outputs.items():
            if array.ndim != _MATRIX:
                found = f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)} of {each!r}"
                raise Refusal(Code.INVALID_ARGUMENT, found)
        for row in range(rows):
            found = response.result.classifications.add()
            for column in range(next(iter(outputs.values())).shape[1]):
                one = found.classes.add()
                if classes is not None:
                    one.label = classes[row, column].decode("utf-8", "replace")
                if scores is not None:
                    one.score = scores[row, column]
        _fill(response.model_spec, version, name)

    async def _regress(self, spec: Any, given: Any, response: Any) -> None:
        version, name, outputs = await self._of_examples(spec, given, REGRESS)
        values = outputs[_VALUES]
        if values.size != len(values):
            found = f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {values.shape}"
            raise Refusal(Code.INVALID_ARGUMENT, found)
        for value in values.reshape(-1):
            response.result.regressions.add().value = value
        _fill(response.model_spec, version, name)

    async def _of_examples(self, spec: Any, given: Any, method: str) -> tuple[Version, str, Mapping[str, NDArray[Any]]]:
        with self._repository.held(self._version(spec)) as version:
            name = spec.signature_name or DEFAULT
            _check_method(version.servable.signatures, name, method)
            examples = _examples(given)
            outputs = await self._runner.run(version, name, {_INPUTS: examples})
        wrong = {each: array.shape for each, array in outputs.items() if array.shape[:1] != examples.shape}
        if wrong:
            raise Refusal(Code.INVALID_ARGUMENT, f"Expected output batch size of {len(examples)}. Got: {wrong}")
        return version, name, outputs


def require_spec(request: Any) -> Any:
    """Return which model a request is for; raises `Refusal` where it does not say."""
    if not request.HasField("model_spec"):
        raise Refusal(Code.INVALID_ARGUMENT, "Missing ModelSpec")
    return request.model_spec


def _filtered(signature: Signature, wanted: list[str]) -> list[str]:
    """The outputs that are wanted: those that were named, or all."""
    for place, each in enumerate(wanted):
        if each not in signature.outputs:
            known = f"Outputs expected to be in the set {{{','.join(sorted(signature.outputs))}}}."
            raise Refusal(Code.INVALID_ARGUMENT, f"output tensor alias not found in signature: {each} {known}")
        if each in wanted[:place]:
            raise Refusal(Code.INVALID_ARGUMENT, f"duplicate output tensor alias: {each}")
    return wanted or list(signature.outputs)


def _array(name: str, tensor: Any, signature: Signature) -> NDArray[Any]:
    info = signature.inputs.get(name)
    if info is not None and info.dtype != tensor.dtype:
        expected = f"input {name!r} to be {dtype_name(info.dtype)}, got {dtype_name(tensor.dtype)}"
        raise Refusal(Code.INVALID_ARGUMENT, f"expected {expected}")
    try:
        return from_proto(tensor)
    except ValueError as error:
        raise Refusal(Code.INVALID_ARGUMENT, f"tensor parsing error: {name}: {error}") from error


def _check_method(known: Mapping[str, Signature], name: str, method: str) -> None:
    signature = known.get(name)
    kind = "classification" if method == CLASSIFY else "regression"
    if signature is None:
        raise Refusal(Code.INVALID_ARGUMENT, f"No signature was found with the name: {name}")
    if signature.method != method:
        found = f"Expected {kind} signature method_name to be {method}. Was: {signature.method}"
        raise Refusal(Code.INVALID_ARGUMENT, found)
    wanted = {_CLASSES, _SCORES} if method == CLASSIFY else {_VALUES}
    if set(signature.inputs) != {_INPUTS} or not signature.outputs or not set(signature.outputs) <= wanted:
        found = f"{sorted(signature.inputs)} and {sorted(signature.outputs)}"
        expected = f"input {_INPUTS!r} and outputs among {sorted(wanted)}"
        raise Refusal(Code.FAILED_PRECONDITION, f"Expected {kind} signature to have {expected}, got {found}")


def _examples(given: Any) -> NDArray[Any]:
    """The examples as they were serialized; a context of all of them goes before each."""
    kind = given.WhichOneof("kind")
    examples = getattr(given, kind).examples if kind else ()
    if not examples:
        raise Refusal(Code.INVALID_ARGUMENT, "Input is empty.")
    context = b"" if kind == "example_list" else given.example_list_with_context.context.SerializeToString()
    found = np.empty(len(examples), object)
    found[:] = [context + each.SerializeToString() for each in examples]
    return found


def _fill(spec: Any, version: Version, signature: str = "") -> None:
    """Say which model it was."""
    spec.name = version.model
    spec.version.value = version.number
    spec.signature_name = signature
