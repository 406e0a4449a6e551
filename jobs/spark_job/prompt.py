"""What py4j does too late by itself: calls of Java that carry much without a pause of 40 ms in each, and letting go.

A connection as py4j makes it sends the last segment of a message only when the others have been acknowledged, which the
other side puts off for as long (Nagle's algorithm against delayed acknowledgements).
"""

from __future__ import annotations

import socket
from typing import Any

from py4j.java_gateway import JavaObject
from py4j.protocol import GATEWAY_SERVER_OBJECT_ID

__all__ = ["answer_promptly", "ask_promptly", "let_go"]


def answer_promptly(jvm: Any) -> None:
    """Let Java answer at once: all threads of Python that have not called it yet."""
    server = JavaObject(GATEWAY_SERVER_OBJECT_ID, jvm._gateway_client)  # noqa: SLF001 py4j has no public name for it
    jvm.io.penstock.spark.PromptAnswers.by(server)


def ask_promptly(jvm: Any) -> None:
    """Let this thread's calls go at once; it must have called Java before."""
    connection = jvm._gateway_client.get_thread_connection()  # noqa: SLF001 as above
    if connection is not None and connection.socket is not None:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def let_go(java: Any) -> None:
    """Let Java clear an object away that nobody here calls any more; may be said twice.

    Otherwise Java keeps it until Python collects garbage, for it is part of a cycle here; and for ever where it was
    there before the driver's first record, for such objects are looked at no more (`penstock.garbage.settle`).
    """
    if java is not None:
        java._detach()  # noqa: SLF001 as above
