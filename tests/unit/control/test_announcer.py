"""What a sign of life says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never, cast

from penstock.clusters import ClusterSettings
from penstock.control.announcer import Announcer, identify
from penstock.control.messages import Verdict, VerdictKind
from penstock.control.model_signs import ModelSign, ModelsStanding
from penstock.control.status import SignKind
from penstock.local.waiting import wait_until
from penstock.models.catalog_events import State

if TYPE_CHECKING:
    from kafka import KafkaProducer


def test_a_message_that_was_tried_again_takes_back_no_answer() -> None:
    """A sign answers its message and all before: what came after the one that had to wait was seen already."""
    cluster = ClusterSettings(bootstrap_servers="broker.example:9092")
    announcer = Announcer(cluster, "status", identify("input_adapter"), 1_000, dict)
    for offset, version, kind in (
        (7, 2, VerdictKind.REJECTED),
        (8, 1, VerdictKind.REJECTED),
        (7, 2, VerdictKind.APPLIED),
    ):
        announcer.tell(SignKind.ALIVE, version, Verdict(kind=kind, offset=offset, version=version))

    sign = announcer._sign(SignKind.ALIVE, announcer._known)

    assert (sign.offset, sign.version, sign.verdict) == (8, 2, "applied")


def test_models_are_counted_and_their_last_message_is_told() -> None:
    """A sign says how far the worker has read of models, and what came of it; who holds none says nothing of them."""
    cluster = ClusterSettings(bootstrap_servers="broker.example:9092")
    ready = ModelSign(State.READY, 0, 0, "")
    standing = ModelsStanding("pmml", 5, {"iris:1": ready, "iris:2": ready}, {"iris": 2})
    without = Announcer(cluster, "status", identify("input_adapter"), 1_000, dict)
    announcer = Announcer(cluster, "status", identify("pmml_job"), 1_000, dict, lambda: standing)
    announcer.tell_models(Verdict(kind=VerdictKind.REJECTED, offset=5, subject="iris:1", reasons=("no",)))

    sign = announcer._sign(SignKind.ALIVE, announcer._known)

    assert (sign.models_offset, sign.models) == (5, {"ready": 2})
    assert (sign.models_verdict, sign.models_subject, sign.models_reasons) == ("rejected", "iris:1", ("no",))
    assert without._sign(SignKind.ALIVE, without._known).models_offset is None


def test_sign_that_cannot_be_made_is_not_tried_without_end() -> None:
    """Nor is it told a thousand times a second that it was not: the next attempt is the next heartbeat's."""
    tried = 0

    def broken() -> Never:
        nonlocal tried
        tried += 1
        raise RuntimeError

    class Nowhere:
        def send(self, *_: object, **__: object) -> None:
            """Lose it."""

        def close(self, **_: object) -> None:
            """Nothing is open."""

    cluster = ClusterSettings(bootstrap_servers="broker.example:9092")
    announcer = Announcer(cluster, "status", identify("pmml_job"), 60_000, dict, broken)
    announcer._producer = cast("KafkaProducer", Nowhere())
    announcer.start()
    assert wait_until(lambda: tried > 0, 60, 0.01)
    announcer.close()

    assert tried <= 2  # with the first sign, and with the last
