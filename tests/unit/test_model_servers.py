"""What the doctor says of model servers: those that answer, that hang, and that are away."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from penstock.cli.model_servers import Seen, asked, told
from penstock.remote.calls import CallError
from penstock.settings import Settings
from penstock.testing.ports import free_port
from penstock.testing.tensorflow_serving import FakeTensorFlowServing

if TYPE_CHECKING:
    from penstock.engine_sections import ServiceSettings

WELL = Seen("a at h:1", listens=True)
AWAY = Seen("b at h:2", listens=False)
HANGS = Seen("c at h:3", listens=True, ailment=CallError("DEADLINE_EXCEEDED", "no answer within 10 s", server="h:3"))


def service(**servers: object) -> ServiceSettings:
    """Settings of these servers."""
    return Settings.model_validate({"service": {"servers": servers}}).service


def test_each_server_is_asked_and_the_one_that_hangs_is_found() -> None:
    """One that listens and never answers is as bad as none, and costs no more than the time that was given."""
    with FakeTensorFlowServing({}) as well, socket.create_server(("127.0.0.1", 0)) as hanging:
        hangs, away = f"127.0.0.1:{hanging.getsockname()[1]}", f"127.0.0.1:{free_port()}"
        found = asked(service(one={"endpoints": [well.address]}), 60.0)
        others = asked(service(b={"endpoints": [hangs, hangs]}, a={"endpoints": [away]}), 0.3)

    assert found == [Seen(f"one at {well.address}", listens=True)]
    assert [(each.server, each.listens, each.ailment is None) for each in others] == [
        (f"a at {away}", False, True),
        (f"b at {hangs}", True, False),
    ]


def test_server_whose_certificates_are_elsewhere_is_not_asked() -> None:
    """Nobody could; jobs are submitted from where they are."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        address = f"127.0.0.1:{hanging.getsockname()[1]}"
        (found,) = asked(service(one={"endpoints": [address], "tls": {"ca": "/nowhere.pem"}}), 0.3)

    assert (found.listens, found.ailment) == (True, None)


def test_servers_that_answer_are_named() -> None:
    """By name and address."""
    assert told([WELL]) == (True, "a at h:1 answer")


def test_each_fault_is_told_with_what_to_do() -> None:
    """Which server, what was found, and what becomes of its events meanwhile."""
    well, detail = told([WELL, AWAY, HANGS])

    assert not well
    assert detail == (
        "nobody listens: b at h:2: start it; "
        "accepts connections and does not answer: c at h:3 (DEADLINE_EXCEEDED: no answer within 10 s): "
        "see its log, and start it again; its events wait, and are dead letters after that"
    )
