"""Requests for the contract's tests, in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.remote.messages import message
from penstock.remote.tensors import from_proto, to_proto

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

__all__ = ["arrays", "classify", "config", "examples", "metadata", "predict", "regress", "spec", "status"]

_API = "tensorflow.serving."


def spec(into: Any, model: str, *, version: int | None = None, label: str = "", signature: str = "") -> None:
    """Say which model is meant."""
    into.name = model
    into.signature_name = signature
    if version is not None:
        into.version.value = version
    if label:
        into.version_label = label


def predict(model: str, inputs: Mapping[str, np.ndarray], *, outputs: tuple[str, ...] = (), **which: Any) -> Any:
    """Ask for outputs of these arrays."""
    request = message(f"{_API}PredictRequest")()
    spec(request.model_spec, model, **which)
    for name, array in inputs.items():
        to_proto(array, request.inputs[name])
    request.output_filter.extend(outputs)
    return request


def arrays(response: Any) -> dict[str, np.ndarray]:
    """Read what was predicted."""
    return {name: from_proto(tensor) for name, tensor in response.outputs.items()}


def examples(into: Any, *values: float) -> None:
    """Fill an input with examples that have one feature, x."""
    for value in values:
        example = into.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(value)


def classify(model: str, *values: float, **which: Any) -> Any:
    """Ask for the classes of examples."""
    return _of_examples("ClassificationRequest", model, values, which)


def regress(model: str, *values: float, **which: Any) -> Any:
    """Ask for a number for each example."""
    return _of_examples("RegressionRequest", model, values, which)


def _of_examples(kind: str, model: str, values: tuple[float, ...], which: Mapping[str, Any]) -> Any:
    request = message(f"{_API}{kind}")()
    spec(request.model_spec, model, **which)
    examples(request.input, *values)
    return request


def status(model: str, **which: Any) -> Any:
    """Ask how versions are."""
    request = message(f"{_API}GetModelStatusRequest")()
    spec(request.model_spec, model, **which)
    return request


def metadata(model: str, *fields: str, **which: Any) -> Any:
    """Ask for the signatures."""
    request = message(f"{_API}GetModelMetadataRequest")()
    spec(request.model_spec, model, **which)
    request.metadata_field.extend(fields or ("signature_def",))
    return request


def config(folder: Path, *names: str, versions: tuple[int, ...] = (), labels: Mapping[str, int] | None = None) -> Any:
    """Have these models served, all their versions or those that are named; labels are for the last one."""
    request = message(f"{_API}ReloadConfigRequest")()
    request.config.model_config_list.SetInParent()
    for name in names:
        each = request.config.model_config_list.config.add()
        each.name, each.base_path, each.model_platform = name, str(folder / name), "tensorflow"
        each.model_version_policy.all.SetInParent()
    if names and versions:
        each.model_version_policy.specific.versions.extend(versions)
    if names and labels:
        each.version_labels.update(labels)
    return request
