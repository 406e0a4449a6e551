"""The service job's own client gets from every server what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from jobs.service_job.client import Method, ModelSpec, ModelState, TensorSpec
from jobs.service_job.connecting import ServerConfig, connected
from penstock.remote.calls import CallError, CallKind
from penstock.remote.retrying import RetryConfig
from penstock.remote.tensors import objects
from tests.contract.test_prediction import ROWS, golden, pngs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.service_job.client import ModelClient


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[ModelClient]:
    """A client of the one server."""
    found = connected(ServerConfig(endpoints=(address,), retry=RetryConfig(timeout_s=30)))
    yield found
    found.close()


def test_every_type_goes_both_ways(client: ModelClient) -> None:
    """As arrays, byte for byte."""
    outputs = client.predict(ModelSpec(name="types"), ROWS).outputs

    assert all(np.array_equal(outputs[f"{name}_again"], array) for name, array in ROWS.items())


def test_images_are_classified(client: ModelClient) -> None:
    """By version and signature, and the answer says which version it was."""
    rows = golden()
    spec = ModelSpec(name="digits", version=1, signature="png")
    prediction = client.predict(spec, {"image_bytes": pngs(rows)})

    assert prediction.version == 1
    assert prediction.outputs["label"].tolist() == [row["outputs"]["label"] for row in rows]


def test_label_is_answered_by_its_version(client: ModelClient) -> None:
    """Whoever moves the label decides who answers."""
    prediction = client.predict(ModelSpec(name="factor", label="stable"), {"x": np.ones(1, "float32")})

    assert (prediction.version, prediction.outputs["y"].tolist()) == (1, [1.0])


def test_metadata_are_the_signatures(client: ModelClient) -> None:
    """In words and sizes."""
    signature = client.metadata(ModelSpec(name="digits", signature="png"))

    assert signature.inputs == {"image_bytes": TensorSpec("string", (-1,))}
    assert signature.outputs["scores"] == TensorSpec("float", (-1, 10))


@pytest.mark.parametrize(
    ("spec", "state"),
    [
        ({"name": "factor"}, ModelState.AVAILABLE),
        ({"name": "factor", "version": 1}, ModelState.AVAILABLE),
        ({"name": "factor", "version": 99}, ModelState.ABSENT),
        ({"name": "nobody"}, ModelState.ABSENT),
    ],
)
def test_status_tells_how_far_a_model_is(client: ModelClient, spec: dict[str, Any], state: ModelState) -> None:
    """One that the server does not have is an answer, too."""
    assert client.status(ModelSpec(**spec)).state is state


def test_examples_are_classified_and_regressed(client: ModelClient) -> None:
    """Rows become examples, and answers arrays."""
    inputs = {"x": np.array([0.25, 1.0], "float32")}
    classes = client.predict(ModelSpec(name="examples", method=Method.CLASSIFY), inputs).outputs
    values = client.predict(ModelSpec(name="examples", method=Method.REGRESS, signature="double"), inputs).outputs

    assert classes["scores"].tolist() == [[0.75, 0.25], [0.0, 1.0]]
    assert values["value"].tolist() == [0.5, 2.0]


@pytest.mark.parametrize(
    ("spec", "inputs", "kind"),
    [
        ({"name": "digits", "signature": "png"}, {"image_bytes": objects([b"no png"])}, CallKind.REFUSED),
        ({"name": "factor"}, {"x": np.ones(1, "float64")}, CallKind.REFUSED),
        ({"name": "nobody"}, {"x": np.ones(1, "float32")}, CallKind.ABSENT),
        ({"name": "factor", "signature": "nothing"}, {"x": np.ones(1, "float32")}, CallKind.FATAL),
    ],
)
def test_refusals_are_of_their_kind(
    client: ModelClient, spec: dict[str, Any], inputs: dict[str, Any], kind: CallKind
) -> None:
    """A row's fault, a model that is away, and what no row can mend are told apart."""
    with pytest.raises(CallError, match=r"INVALID_ARGUMENT|NOT_FOUND|FAILED_PRECONDITION") as caught:
        client.predict(ModelSpec(**spec), inputs)
    assert caught.value.kind is kind
