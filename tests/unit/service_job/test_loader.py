"""A model is ready when its server has it, says what the descriptor says, and scores the sample."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from jobs.service_job.client import ModelState, ServerState, Signature, TensorSpec
from jobs.service_job.loader import ServiceLoader, spec_of
from penstock.errors import ModelError, ModelLoadError, ModelServerError
from penstock.models.descriptor import ModelDescriptor
from penstock.remote.calls import CallError, CallKind
from penstock.settings import ModelsSettings, Settings
from tests.fake_model_client import BAD, FakeModelClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def described(**keys: Any) -> ModelDescriptor:
    """A descriptor of a model that its server owns."""
    tree = {"name": "a", "version": 3, "job": "service", "format": "tensorflow-serving", **keys}
    return ModelDescriptor.parse(tree, "test")


@pytest.fixture
def client() -> FakeModelClient:
    """Of every server."""
    return FakeModelClient()


@pytest.fixture
def loader(client: FakeModelClient) -> Iterator[ServiceLoader]:
    """By the settings that there are without any."""
    found = ServiceLoader(Settings(models=ModelsSettings(load_timeout_ms=60_000)), lambda _: client)
    yield found
    found.close()


@pytest.fixture
def hasty(client: FakeModelClient) -> Iterator[ServiceLoader]:
    """One that waits for nothing."""
    found = ServiceLoader(Settings(models=ModelsSettings(load_timeout_ms=1_000)), lambda _: client)
    yield found
    found.close()


def test_model_that_its_server_has_is_ready(loader: ServiceLoader, client: FakeModelClient) -> None:
    """It was warmed up by its sample."""
    served = loader.load(described(sample={"x": 2}), None)

    assert served.ref == "a:3"
    assert [call["x"].tolist() for call in client.calls] == [[2.0]]


def test_models_of_a_server_share_its_client() -> None:
    """It is made with the first of them, and closed with the loader."""
    made: list[FakeModelClient] = []

    def connect(_: object) -> FakeModelClient:
        made.append(FakeModelClient())
        return made[-1]

    loader = ServiceLoader(Settings(), connect)
    loader.load(described(), None)
    loader.load(described(version=4), None)
    loader.close()

    assert [client.closed for client in made] == [True]


def test_server_has_to_be_known(loader: ServiceLoader) -> None:
    """The message names those that are."""
    with pytest.raises(ModelLoadError, match=r"'other' is not among service\.servers \(default\)"):
        loader.load(described(server={"name": "other"}), None)


def test_model_that_is_on_its_way_is_waited_for(loader: ServiceLoader, client: FakeModelClient) -> None:
    """The embedded server gets it from the registry, as the worker does: who is first is chance."""
    client.before = [ServerState(state, 3, "") for state in (ModelState.ABSENT, ModelState.START, ModelState.LOADING)]

    assert loader.load(described(format="saved-model", uri="model.zip", sha256="0" * 64), None).ref == "a:3"


def test_server_that_starts_with_the_worker_is_waited_for(loader: ServiceLoader, client: FakeModelClient) -> None:
    """Later ones that are away are told at once: the host asks again."""
    leave(client)
    client.to_come.append(lambda: setattr(client, "failure", None))

    assert loader.load(described(), None).ref == "a:3"
    assert len(client.deadlines) == 1


def lack(client: FakeModelClient) -> None:
    """It has yet to get the model."""
    client.state = ServerState(ModelState.ABSENT, 3, "no such servable")


def load(client: FakeModelClient) -> None:
    """It has yet to finish."""
    client.state = ServerState(ModelState.LOADING, 3, "")


def leave(client: FakeModelClient) -> None:
    """It is away."""
    client.failure = CallError("UNAVAILABLE", "gone")


@pytest.mark.parametrize(
    ("doing", "said"),
    [
        (lack, r"does not have a yet \(it says ABSENT: no such servable\)"),
        (load, "it says LOADING"),
        (leave, "does not say what it has: UNAVAILABLE: gone"),
    ],
)
def test_server_may_have_it_later(
    hasty: ServiceLoader, client: FakeModelClient, doing: Callable[[FakeModelClient], None], said: str
) -> None:
    """Then it is asked again, by the host."""
    doing(client)
    with pytest.raises(ModelServerError, match=said) as told:
        hasty.load(described(), None)

    assert told.value.passing


def test_server_that_goes_while_the_sample_is_scored_may_come_back(
    loader: ServiceLoader, client: FakeModelClient
) -> None:
    """That says nothing against the model."""

    def go(_: object) -> Any:
        raise CallError("UNAVAILABLE", "gone")

    client.answer = go
    with pytest.raises(ModelServerError, match="does not score the sample"):
        loader.load(described(sample={"x": 1}), None)


@pytest.mark.parametrize(("sample", "said"), [({"x": BAD}, "bad value"), ({"x": "a"}, "field 'x'")])
def test_sample_has_to_be_scored(loader: ServiceLoader, sample: object, said: str) -> None:
    """Else no event would be."""
    with pytest.raises(ModelLoadError, match=f"sample cannot be scored: .*{said}") as told:
        loader.load(described(sample=sample), None)

    assert not told.value.passing


def test_sample_whose_payload_is_away_may_come() -> None:
    """Whoever keeps it tells nobody when it is there again: it is tried now and then, as with a server's refusal."""
    signature = Signature(inputs={"x": TensorSpec("string", (-1,))}, outputs={"y": TensorSpec("string", (-1,))})
    client = FakeModelClient(signature)
    refusal = pytest.raises(ModelServerError, match=r"its sample has no payload: .*service\.fetch\.allow")
    with closing(ServiceLoader(Settings(), lambda _: client)) as loader, refusal as told:
        loader.load(described(sample={"uri": "https://images.example/1.png"}), None)

    assert (told.value.passing, told.value.mendable) == (False, True)


def test_disagreement_is_no_passing_matter(loader: ServiceLoader) -> None:
    """Somebody has to change something."""
    with pytest.raises(ModelError, match="at its server") as told:
        loader.load(described(inputs=[{"name": "x", "type": "int64"}]), None)

    assert not told.value.passing


def test_server_that_cannot_have_it_so_is_not_asked_for_ever(loader: ServiceLoader, client: FakeModelClient) -> None:
    """It would say the same again; its own words are told."""
    client.failure = CallError("INVALID_ARGUMENT", "model 'a' has no signature 'png'; it has: none", CallKind.FATAL)
    with pytest.raises(ModelLoadError, match=f"'default' does not have it .*: {client.failure}") as told:
        loader.load(described(), None)

    assert (told.value.passing, told.value.mendable) == (False, False)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("UNAUTHENTICATED", r"correct our credentials \(service\.servers\.default: metadata, tls\)"),
        ("PERMISSION_DENIED", r"correct our credentials \(service\.servers\.default: metadata, tls\)"),
        ("UNIMPLEMENTED", r"correct service\.servers\.default \(protocol, endpoints\)"),
        ("FAILED_PRECONDITION", r"correct service\.servers\.default and start"),
    ],
)
def test_server_that_refuses_us_is_asked_again_now_and_then(
    loader: ServiceLoader, client: FakeModelClient, code: str, advice: str
) -> None:
    """Somebody has to change something, and may do so without a word to us; nobody waits for that."""
    client.failure = CallError(code, "not you", server="there:1")
    said = f"its server 'default': it refuses to say what it has: server there:1: {code}: not you; {advice}"
    with pytest.raises(ModelServerError, match=said) as told:
        loader.load(described(), None)

    assert (told.value.passing, told.value.mendable) == (False, True)
    assert client.deadlines == []


def test_server_that_refuses_to_score_may_be_mended_too(loader: ServiceLoader, client: FakeModelClient) -> None:
    """It tells everybody what it has, and does not score for everybody; the sample is innocent."""

    def refuse(_: object) -> Any:
        raise CallError("PERMISSION_DENIED", "not you")

    client.answer = refuse
    with pytest.raises(ModelServerError, match="it refuses to score the sample: PERMISSION_DENIED: not you") as told:
        loader.load(described(sample={"x": 1}), None)

    assert (told.value.passing, told.value.mendable) == (False, True)


def test_model_is_called_by_its_servers_name() -> None:
    """One that the server has from the registry by its version; one of its own by what the descriptor says."""
    spec = spec_of(described(server={"model": "b", "label": "stable", "signature": "png", "method": "classify"}))
    ours = spec_of(described(format="saved-model", uri="model.zip", sha256="0" * 64))

    assert (spec.name, spec.version, spec.label, spec.signature, spec.method) == (
        "b",
        None,
        "stable",
        "png",
        "classify",
    )
    assert (ours.name, ours.version, ours.label) == ("a", 3, None)
