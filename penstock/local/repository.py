"""The models of `models_dir`, which `penstock up` registers; what only the registry has is left alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from penstock.control import adding
from penstock.control.models import ModelsTopic
from penstock.errors import ModelLoadError
from penstock.models.inspection import Checks, absences
from penstock.models.intake import described, local_path, take
from penstock.models.repository import read_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.intake import Intake
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["Given", "give", "look"]


class Given(NamedTuple):
    """What came of giving the models."""

    total: int
    """How many are registered now."""
    added: tuple[str, ...]
    """Refs that were not registered before."""
    not_live: tuple[str, ...]
    """Those of them that a bare name does not mean."""
    healed: tuple[str, ...]
    """Refs that somebody had written over with other bytes."""
    missing: tuple[str, ...]
    """What routes and shadows name and nobody has registered."""


def look(settings: Settings) -> tuple[Intake, ...]:
    """Look into the file of every model of the folder, without an engine and without Kafka; nothing is changed.

    Files elsewhere than on this machine are looked into when they are given.

    Raises:
        ModelError: a descriptor or a file is wrong.
    """
    return tuple(_taken(settings, each) for each in read_folder(settings.models_dir) if _here(each))


def give(settings: Settings, looked: Sequence[Intake], document: RoutingDocument) -> Given:
    """Register what is not registered yet. All of it is compared first, so that nothing is done where one is refused.

    Raises:
        ModelError: a version is registered with other bytes, or a file that is elsewhere is wrong.
        KafkaUnavailableError: no broker answered.
        ControlTopicError: the topic cannot be read, or does not take a message.
    """
    with ModelsTopic(settings) as topic:
        healed = topic.heal()
        added = [intake for intake in looked if not adding.refuse_other_bytes(topic.registry, intake.descriptor)]
        elsewhere = [each for each in read_folder(settings.models_dir) if not _here(each)]
        added += [_taken(settings, each) for each in elsewhere if not adding.refuse_other_bytes(topic.registry, each)]
        # The highest first: of a name that is new here, it is the live one.
        for intake in sorted(added, key=lambda each: each.descriptor.version, reverse=True):
            adding.add(settings, topic, intake, copy=_here(intake.descriptor))
        registry = topic.registry
    refs = [intake.descriptor.ref for intake in added]
    return Given(
        total=len(registry),
        added=tuple(map(str, refs)),
        not_live=tuple(str(ref) for ref in refs if registry.live(ref.name) != ref),
        healed=tuple(map(str, healed)),
        missing=tuple(each.text for each in absences(registry, document)),
    )


def _taken(settings: Settings, descriptor: ModelDescriptor) -> Intake:
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        intake = take(described(descriptor), adding.store_of(settings), Path(folder), _checks(settings))
    intake.require()
    if intake.packed:
        detail = f"its file {str(descriptor.uri)!r} is a folder; add it by 'penstock models add', which packs it"
        raise ModelLoadError(str(descriptor.ref), detail)
    return intake


def _checks(settings: Settings) -> Checks:
    return Checks(most_unpacked_bytes=settings.models.most_unpacked_mb * 1024 * 1024)


def _here(descriptor: ModelDescriptor) -> bool:
    return descriptor.uri is None or local_path(descriptor.uri) is not None
