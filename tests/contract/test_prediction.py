"""What is asked of models: the same answers and the same refusals from every server, whoever asks."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from penstock.remote.messages import message
from penstock.remote.tensors import objects, to_proto
from tests.contract import asking
from tests.contract.callers import RefusedError

if TYPE_CHECKING:
    from tests.contract.callers import Caller

GOLDEN = Path(__file__).parents[2] / "models" / "image-classifier" / "1" / "golden.jsonl"
ROWS: dict[str, np.ndarray] = {
    **{name: np.array([[0, 1], [2, 3]], name) for name in ("uint8", "uint16", "uint32", "uint64")},
    **{name: np.array([[-1, 0], [1, 2]], name) for name in ("int8", "int16", "int32", "int64")},
    **{name: np.array([[-0.5, np.inf], [0.1, 3e-5]], name) for name in ("float16", "float32", "float64")},
    "complex64": np.array([[1 + 2j, 0], [-1j, 3]], "complex64"),
    "bool": np.array([[True, False], [False, True]]),
    "string": objects([b"", b"\x00\xff", "gr\u00fc\u00df".encode(), b"long" * 1000], (2, 2)),
}


def golden() -> list[dict[str, Any]]:
    """scikit-learn's own answers for PNG files."""
    return [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]


def pngs(rows: list[dict[str, Any]]) -> np.ndarray:
    """The files of golden rows."""
    return objects([base64.b64decode(row["input"]["image_bytes"]["b64"]) for row in rows])


def test_every_type_comes_back_as_it_went(caller: Caller) -> None:
    """Numbers of all widths, booleans and any bytes."""
    found = asking.arrays(caller.call("Predict", asking.predict("types", ROWS)))

    assert {name.removesuffix("_again") for name in found} == set(ROWS)
    for name, array in ROWS.items():
        assert found[f"{name}_again"].dtype == array.dtype
        assert np.array_equal(found[f"{name}_again"], array)


def test_tensors_of_no_rows_are_answered_by_none(caller: Caller) -> None:
    """An empty batch is a batch."""
    found = asking.arrays(caller.call("Predict", asking.predict("factor", {"x": np.zeros(0, "float32")})))

    assert found["y"].shape == (0,)


def test_images_are_what_scikit_learn_says(caller: Caller) -> None:
    """All golden PNG files in one batch: labels equal, scores to the sixth digit."""
    rows = golden()
    found = asking.arrays(
        caller.call("Predict", asking.predict("digits", {"image_bytes": pngs(rows)}, signature="png"))
    )

    assert found["label"].tolist() == [row["outputs"]["label"] for row in rows]
    assert np.allclose(found["scores"], [row["outputs"]["scores"] for row in rows], rtol=0, atol=1e-6)


def test_response_says_which_version_it_was(caller: Caller) -> None:
    """By number, whatever was asked for; the signature's name stands there, too."""
    response = caller.call("Predict", asking.predict("factor", {"x": np.ones(1, "float32")}))

    assert response.model_spec.name == "factor"
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize(
    ("which", "factor"), [({}, 3.0), ({"version": 1}, 1.0), ({"label": "stable"}, 1.0), ({"label": "canary"}, 3.0)]
)
def test_versions_are_chosen_by_number_and_by_label(caller: Caller, which: dict[str, Any], factor: float) -> None:
    """Without either, the highest is meant."""
    response = caller.call("Predict", asking.predict("factor", {"x": np.array([2.0], "float32")}, **which))

    assert asking.arrays(response)["y"].tolist() == [2.0 * factor]


def test_outputs_can_be_chosen(caller: Caller) -> None:
    """What was not asked for does not travel."""
    response = caller.call("Predict", asking.predict("factor", {"x": np.ones(1, "float32")}, outputs=("x_again",)))

    assert list(response.outputs) == ["x_again"]


def test_signature_of_fixed_sizes_is_served(caller: Caller) -> None:
    """A scalar and a vector in, a scalar out: nothing counts rows."""
    inputs = {"x": np.array([1.0, 2.0], "float32"), "by": np.float32(2.0).reshape(())}
    found = asking.arrays(caller.call("Predict", asking.predict("factor", inputs, signature="pair")))

    assert found["y"].tolist() == [2.0, 4.0]
    assert found["sum"] == np.float32(3.0)


@pytest.mark.parametrize(
    ("model", "which", "code"),
    [
        ("nobody", {}, "NOT_FOUND"),
        ("factor", {"version": 2}, "NOT_FOUND"),
        ("factor", {"version": 99}, "NOT_FOUND"),
        ("factor", {"label": "nothing"}, "INVALID_ARGUMENT"),
        ("factor", {"signature": "nothing"}, "FAILED_PRECONDITION"),
        ("", {}, "INVALID_ARGUMENT"),
    ],
)
def test_what_is_not_served_is_refused(caller: Caller, model: str, which: dict[str, Any], code: str) -> None:
    """Unknown models and versions, labels, signatures, each by its code."""
    with pytest.raises(RefusedError, match=code):
        caller.call("Predict", asking.predict(model, {"x": np.ones(1, "float32")}, **which))


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({}, id="none"),
        pytest.param({"z": np.ones(1, "float32")}, id="another"),
        pytest.param({"x": np.ones(1, "float32"), "z": np.ones(1, "float32")}, id="one too many"),
        pytest.param({"x": np.ones(1, "float64")}, id="wider"),
        pytest.param({"x": objects([b"1"])}, id="text"),
    ],
)
def test_inputs_that_are_not_the_signatures_are_refused(caller: Caller, inputs: dict[str, np.ndarray]) -> None:
    """Names and types have to be those of the signature."""
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call("Predict", asking.predict("factor", inputs))


@pytest.mark.parametrize("shape", [(1, 8, 8, 2), (1, 7, 7, 1)])
def test_images_of_another_size_are_refused(caller: Caller, shape: tuple[int, ...]) -> None:
    """A size that the graph cannot take is the caller's fault."""
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call("Predict", asking.predict("digits", {"image": np.zeros(shape, "float32")}))


def test_one_bad_file_refuses_its_whole_batch(caller: Caller) -> None:
    """Which one it was the server does not say: whoever called has to find out."""
    files = objects([*pngs(golden()[:3]).tolist(), b"no png"])
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call("Predict", asking.predict("digits", {"image_bytes": files}, signature="png"))


def test_tensor_that_contradicts_itself_is_refused(caller: Caller) -> None:
    """Three numbers are no vector of four."""
    request = asking.predict("factor", {"x": np.ones(3, "float32")})
    request.inputs["x"].tensor_shape.dim[0].size = 4
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call("Predict", request)


@pytest.mark.parametrize(
    "method", ["Predict", "Classify", "Regress", "GetModelMetadata", "GetModelStatus", "MultiInference"]
)
def test_request_has_to_name_a_model(caller: Caller, method: str) -> None:
    """An empty request is refused by every method."""
    kinds = {
        "Predict": "PredictRequest",
        "Classify": "ClassificationRequest",
        "Regress": "RegressionRequest",
        "MultiInference": "MultiInferenceRequest",
    }
    request = message(f"tensorflow.serving.{kinds.get(method, method + 'Request')}")()
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call(method, request)


def test_examples_are_classified(caller: Caller) -> None:
    """Each gets its classes with their scores."""
    response = caller.call("Classify", asking.classify("examples", 0.25, 1.0))

    found = [[(one.label, one.score) for one in each.classes] for each in response.result.classifications]
    assert found == [[("small", 0.75), ("large", 0.25)], [("small", 0.0), ("large", 1.0)]]
    assert response.model_spec.version.value == 1


def test_examples_are_regressed(caller: Caller) -> None:
    """Each gets a number."""
    response = caller.call("Regress", asking.regress("examples", 0.25, 1.0, signature="double"))

    assert [each.value for each in response.result.regressions] == [0.5, 2.0]


def test_both_can_be_asked_at_once(caller: Caller) -> None:
    """The same examples, several signatures, answers in their order."""
    request = message("tensorflow.serving.MultiInferenceRequest")()
    for signature, method in (("serving_default", "classify"), ("double", "regress")):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        asking.spec(task.model_spec, "examples", signature=signature)
    asking.examples(request.input, 0.5)
    first, second = caller.call("MultiInference", request).results

    assert first.classification_result.classifications[0].classes[1].label == "large"
    assert second.regression_result.regressions[0].value == 1.0


@pytest.mark.parametrize(
    ("method", "request_of", "which"),
    [
        ("Classify", asking.classify, {"signature": "double"}),
        ("Regress", asking.regress, {}),
        ("Classify", asking.classify, {"signature": "nothing"}),
    ],
)
def test_method_has_to_be_the_signatures(caller: Caller, method: str, request_of: Any, which: dict[str, Any]) -> None:
    """A regressor does not classify."""
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call(method, request_of("examples", 1.0, **which))


def test_no_examples_are_refused(caller: Caller) -> None:
    """Nothing in is a mistake, not an empty answer."""
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call("Classify", asking.classify("examples"))


def test_examples_go_to_predict_as_bytes(caller: Caller) -> None:
    """A signature for examples is one like others, for those who serialize by themselves."""
    example = message("tensorflow.Example")()
    example.features.feature["x"].float_list.value.append(0.25)
    response = caller.call(
        "Predict", asking.predict("examples", {"inputs": objects([example.SerializeToString()])}, signature="double")
    )

    assert asking.arrays(response)["outputs"].ravel().tolist() == [0.5]


def test_metadata_tells_the_signatures(caller: Caller) -> None:
    """Names, types and sizes, in a message of their own."""
    response = caller.call("GetModelMetadata", asking.metadata("digits"))

    found = message("tensorflow.serving.SignatureDefMap").FromString(response.metadata["signature_def"].value)
    assert response.metadata["signature_def"].type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    assert {"serving_default", "png"} <= set(found.signature_def)
    files = found.signature_def["png"]
    assert files.method_name == "tensorflow/serving/predict"
    assert files.inputs["image_bytes"].dtype == 7
    assert [each.size for each in files.outputs["scores"].tensor_shape.dim] == [-1, 10]
    assert (response.model_spec.name, response.model_spec.version.value) == ("digits", 1)


@pytest.mark.parametrize(
    ("model", "fields", "code"),
    [("digits", ("something",), "INVALID_ARGUMENT"), ("nobody", ("signature_def",), "NOT_FOUND")],
)
def test_metadata_that_is_not_there_is_refused(caller: Caller, model: str, fields: tuple[str, ...], code: str) -> None:
    """Signatures are all that there is to ask for."""
    with pytest.raises(RefusedError, match=code):
        caller.call("GetModelMetadata", asking.metadata(model, *fields))


def test_values_in_lists_are_read_as_well(caller: Caller) -> None:
    """Other clients write numbers one by one, and a value that stands for all that follow."""
    request = asking.predict("factor", {}, version=3)
    tensor = request.inputs["x"]
    to_proto(np.zeros(3, "float32"), tensor)
    tensor.ClearField("tensor_content")
    tensor.float_val.append(2.0)

    assert asking.arrays(caller.call("Predict", request))["y"].tolist() == [6.0, 6.0, 6.0]
