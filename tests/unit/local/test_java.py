"""Java's folder: the one that is named, else the one that the Java on the path says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.local import flink_cluster, java
from penstock.local.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Java on the path that is a script and says where it runs from."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\nprintf 'Property settings:\\n    java.home = /opt/jdk\\n' >&2\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_java_on_the_path_is_asked_for_its_folder(on_path: Path, tmp_path: Path) -> None:
    """Everything that Flink starts gets it: JPype in the workers does not look at the path."""
    assert flink_cluster.environment(Layout(tmp_path))["JAVA_HOME"] == "/opt/jdk"


def test_named_java_is_not_asked(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME wins, as in Flink's own scripts."""
    monkeypatch.setenv("JAVA_HOME", "/opt/other")

    assert java.home() == "/opt/other"


def test_java_that_does_not_say_is_left_to_others(on_path: Path) -> None:
    """Nothing is made up."""
    on_path.write_text("#!/bin/sh\necho no idea\n", encoding="utf-8")

    assert java.home() is None
