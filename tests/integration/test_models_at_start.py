"""What ``penstock up`` does with the models of models_dir, against a real broker and without a stack."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
import yaml

from penstock import kafka, topics
from penstock.control.models import registry
from penstock.deployables import SCORING, Deployable
from penstock.errors import ImmutableModelError, ModelLoadError
from penstock.local import repository
from penstock.models.ref import ModelRef
from penstock.testing import builders
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Installation

DOCUMENT = builders.document(routes=[builders.route(model="iris")], models={"iris": {"job": "pmml"}})


@pytest.fixture
def installed(
    make_installation: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Installation:
    """An installation whose models' files are looked into by a stand-in without an engine."""
    monkeypatch.setitem(SCORING, "pmml", Deployable(name="pmml_job", module="penstock.testing"))
    (tmp_path / "models").mkdir()
    found = make_installation(**{"models.store": str(tmp_path / "store"), "models_dir": str(tmp_path / "models")})
    topics.ensure(found.cluster, topics.internal_topics(found.settings))
    return found


@pytest.fixture
def described(tmp_path: Path) -> Callable[..., None]:
    """Write a version's descriptor and file into models_dir."""

    def write(version: int, text: str = "", **told: object) -> None:
        folder = tmp_path / "models" / str(version)
        folder.mkdir(exist_ok=True)
        data = json.dumps({"fields": {"description": text or str(version)}, **told}).encode()
        (folder / "model.pmml").write_bytes(data)
        tree = {"name": "iris", "version": version, "job": "pmml", "format": "pmml", "uri": "model.pmml"}
        tree["sha256"] = hashlib.sha256(data).hexdigest()
        (folder / "descriptor.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")

    return write


def given(installed: Installation) -> repository.Given:
    """Look and give, as a start does."""
    return repository.give(installed.settings, repository.look(installed.settings), DOCUMENT)


def test_what_is_new_is_registered_once(installed: Installation, described: Callable[..., None]) -> None:
    """The highest version of a name that is new is live; the same files once more write nothing."""
    described(1)
    described(2)
    first = given(installed)
    found = registry(installed.settings)
    again = given(installed)

    assert (sorted(first.added), first.not_live, first.missing) == (["iris:1", "iris:2"], ("iris:1",), ())
    assert found.live("iris") == ModelRef("iris", 2)
    assert all(each.uri.startswith("file://") and "/store/iris/" in each.uri for each in found)
    assert again == repository.Given(total=2, added=(), not_live=(), healed=(), missing=())
    assert registry(installed.settings).offset == found.offset


def test_later_version_is_not_live_by_itself(installed: Installation, described: Callable[..., None]) -> None:
    """Somebody may have gone back on purpose."""
    described(1)
    given(installed)
    described(2)

    assert given(installed).not_live == ("iris:2",)
    assert registry(installed.settings).live("iris") == ModelRef("iris", 1)


def test_other_bytes_are_refused_before_anything_is_written(
    installed: Installation, described: Callable[..., None]
) -> None:
    """Also of the versions that are good."""
    described(1)
    given(installed)
    described(1, "changed")
    described(2)

    with pytest.raises(ImmutableModelError, match="versions are immutable: raise the version"):
        given(installed)
    assert list(registry(installed.settings).descriptors) == [ModelRef("iris", 1)]


def test_wrong_file_is_refused_before_kafka_is_asked(installed: Installation, described: Callable[..., None]) -> None:
    """With where it is wrong."""
    described(1, findings=[{}])

    with pytest.raises(ModelLoadError, match=r"model 'iris:1' cannot be loaded: 12:5: MiningField: "):
        repository.look(installed.settings)


def test_missing_models_are_told(installed: Installation) -> None:
    """Not refused: they may be added while everything runs."""
    (said,) = given(installed).missing

    assert said.startswith("route 'iris' names model 'iris': it is not registered (there is none)")


def test_what_was_written_over_is_healed(installed: Installation, described: Callable[..., None]) -> None:
    """And told."""
    described(1)
    given(installed)
    client = kafka.producer(installed.cluster)
    client.send(topics.control_models(installed.settings.topics.prefix), b"{}", key=b"iris:1").get(timeout=SOON_S)
    client.close()

    assert given(installed).healed == ("iris:1",)
    assert registry(installed.settings).overwritten == ()
