"""Adding and deleting versions: what is refused, and what their name means before, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from penstock.control import adding
from penstock.errors import ControlTopicError
from penstock.models.intake import Intake
from penstock.models.records import descriptor_record
from penstock.models.ref import ModelRef
from penstock.settings import Settings
from penstock.testing.models import added, described, messages, pointed, registry, removed

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.control.models import ModelsTopic
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.registry import Registry
    from penstock.testing.models import Pair


class Topic:
    """What is written, without a broker; `live` is what each message left of the name's meaning."""

    def __init__(self, *records: Pair) -> None:
        self.registry: Registry = registry(*records)
        self.live: list[int | None] = []

    def refresh(self) -> None:
        """Nobody else writes."""

    def register(self, descriptor: ModelDescriptor) -> None:
        """Write a version."""
        self._write(descriptor_record(descriptor))

    def point(self, name: str, live: int, previous: int | None) -> None:
        """Write a pointer."""
        self._write(pointed(name, live, previous))

    def remove(self, ref: ModelRef) -> None:
        """Write a deletion."""
        self._write(removed(str(ref)))

    def _write(self, record: Pair) -> None:
        self.registry.offer(messages(record)[0])
        live = self.registry.live("iris")
        self.live.append(None if live is None else live.version)


VERSIONS = tuple(added(f"iris:{version}") for version in (1, 2, 3))


def test_name_without_a_pointer_means_what_it_meant_when_a_version_is_added() -> None:
    """The highest is live there: the one that was is said to be, before the new one is registered."""
    topic = Topic(added("iris:1"), added("iris:2"))
    intake = Intake(descriptor=described("iris:3"), path=None)

    adding.add(Settings(), cast("ModelsTopic", topic), intake)

    assert topic.live == [2, 2]
    assert ModelRef("iris", 3) in topic.registry.descriptors


@pytest.mark.parametrize(
    ("records", "version", "live"),
    [
        ((*VERSIONS, pointed("iris", 2, 1)), 2, [1, 1]),
        ((*VERSIONS, pointed("iris", 2)), 2, [3, 3]),
        ((*VERSIONS, pointed("iris", 2, 1)), 1, [2, 2]),
        ((*VERSIONS, pointed("iris", 2, 1)), 3, [2]),
        ((*VERSIONS, pointed("iris", 7, 1)), 1, [3, 3]),
        (VERSIONS, 3, [2]),
        ((VERSIONS[0], pointed("iris", 1)), 1, [None, None]),
    ],
)
def test_name_means_another_version_before_its_own_is_deleted(
    records: tuple[Pair, ...], version: int, live: list[int | None]
) -> None:
    """The one before it, or else the highest."""
    topic = Topic(*records)

    adding.remove(cast("ModelsTopic", topic), ModelRef("iris", version))

    assert topic.live == live
    assert ModelRef("iris", version) not in topic.registry.descriptors


@pytest.mark.parametrize("version", [1, 2])
def test_deleted_version_that_comes_anew_is_not_live_unasked(version: int) -> None:
    """Nor does it stand in for the one that is: its bytes may be others."""
    topic = Topic(*VERSIONS, pointed("iris", 2, 1))
    adding.remove(cast("ModelsTopic", topic), ModelRef("iris", version))
    before = topic.registry.serving("iris")

    topic.registry.offer(messages(added(f"iris:{version}", "b"))[0])

    assert topic.registry.serving("iris") == before


def test_model_of_too_many_inputs_is_refused_before_its_file_is_kept(tmp_path: Path) -> None:
    """Its descriptor is longer than a message may be: no file that nobody refers to stays in the store."""
    settings = Settings(models={"store": str(tmp_path / "store")}, limits={"max_request_bytes": 10_000})
    file = tmp_path / "model.pmml"
    file.write_text("<PMML/>", encoding="utf-8")
    inputs = [{"name": f"field_{number}", "type": "double"} for number in range(1_000)]
    intake = Intake(descriptor=described("wide:1", inputs=inputs), path=file)

    with pytest.raises(ControlTopicError, match=r"'wide:1' has \d+ bytes, at most 10000 are taken; raise limits"):
        adding.add(settings, cast("ModelsTopic", Topic()), intake)

    assert not (tmp_path / "store").exists()
