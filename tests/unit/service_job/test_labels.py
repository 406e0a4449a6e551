"""Labels, which name versions at TensorFlow Serving: one that no version has is nobody's fault who sends rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from jobs.service_job.client import Method, ModelSpec
from jobs.service_job.connecting import ServerConfig, connected
from penstock.remote.calls import CallError, CallKind
from penstock.testing.model_servers import RefusalError
from penstock.testing.tensorflow_serving import FakeModel, FakeTensorFlowServing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.service_job.client import ModelClient

X = {"x": np.ones((2, 1), dtype="f4")}


@pytest.fixture
def server() -> Iterator[FakeTensorFlowServing]:
    """Its model has the label ``stable``."""
    side = {"x": ("float", (-1, 1))}
    model = FakeModel(score=lambda inputs: inputs, inputs=side, outputs=side, labels=("stable",))
    with FakeTensorFlowServing({"a": model}) as found:
        yield found


@pytest.fixture
def client(server: FakeTensorFlowServing) -> Iterator[ModelClient]:
    """A client of it."""
    found = connected(ServerConfig(endpoints=(server.address,)))
    yield found
    found.close()


@pytest.mark.parametrize("method", list(Method))
def test_label_that_no_version_has_is_an_absence(client: ModelClient, method: Method) -> None:
    """INVALID_ARGUMENT is what servers say of it, as of bad rows: whoever runs the server has yet to set it."""
    spec = ModelSpec(name="a", label="canary", method=method)

    for ask in (client.metadata, lambda spec: client.predict(spec, X)):
        with pytest.raises(CallError, match="Unrecognized servable version label: canary") as caught:
            ask(spec)
        assert caught.value.kind is CallKind.ABSENT


def test_text_about_labels_is_a_refusal_where_none_was_asked_for(
    client: ModelClient, server: FakeTensorFlowServing
) -> None:
    """A graph may say what it likes of its rows."""
    server.failures = [RefusalError("INVALID_ARGUMENT", "Unrecognized servable version label: a")]
    with pytest.raises(CallError) as caught:
        client.predict(ModelSpec(name="a"), X)

    assert caught.value.kind is CallKind.REFUSED
