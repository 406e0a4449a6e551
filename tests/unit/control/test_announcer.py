"""What a sign of life says."""

from __future__ import annotations

from penstock.clusters import ClusterSettings
from penstock.control.announcer import Announcer, identify
from penstock.control.messages import Verdict, VerdictKind
from penstock.control.status import SignKind


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
