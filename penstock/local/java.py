"""The folder of the Java that was found: JPype and others look for one by themselves, and not on the PATH."""

from __future__ import annotations

import os
import re
import subprocess

from penstock.local import versions

__all__ = ["home"]


def home() -> str | None:
    """Return JAVA_HOME, or else the folder that the Java on the PATH says it runs from; None if it does not say.

    It is asked, because a `java` on the PATH may be a script that chooses one.
    """
    given = os.environ.get("JAVA_HOME")
    if given:
        return given
    try:
        answer = subprocess.run(  # noqa: S603 - the Java that everything runs with
            [versions.java(), "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=versions.ANSWER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"^\s*java\.home = (.+)$", answer.stderr + answer.stdout, re.MULTILINE)
    return found[1] if found else None
