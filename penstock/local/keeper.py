"""Brings back the jobs that a cluster has lost: a job manager that dies takes all of them with it.

Run as a program beside the servers (``python -m penstock.local.keeper SETTINGS``), it looks every few seconds. Jobs go
on from their last committed offsets. What a user cancelled stays cancelled.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import logs
from penstock import settings as settings_file
from penstock.errors import PenstockError
from penstock.local import applied, jobs
from penstock.local.layout import Layout
from penstock.local.lock import alone
from penstock.local.rest import FlinkRest

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["look"]

_log = logs.get_logger(__name__)


def look(settings: Settings, layout: Layout) -> list[str]:
    """Submit the jobs that the cluster does not know any more, and return their names.

    Raises:
        FlinkUnavailableError: the cluster does not answer; it may be on its way back.
        KafkaUnavailableError: the broker does not answer; it may be on its way back.
        StackError: somebody brings the stack up or down just now, or a job was refused.
    """
    with alone(layout):
        rest = FlinkRest(settings.flink.rest_url)
        wanted = jobs.submitted(layout)
        found = jobs.latest(rest, wanted) if wanted else {}
        lost = [item for item in wanted if found[item.name] is None]
        if not lost or rest.slots() == 0:
            return []
        return jobs.submit(settings, layout, lost, applied.wheel_path(layout))


def main(file: Path) -> None:
    """Look for lost jobs until this process is ended."""
    settings = settings_file.read(file)
    logs.configure(settings.logs.level, settings.logs.layout)
    layout = Layout.of(settings)
    while True:
        time.sleep(settings.local.keeper_interval_s)
        try:
            for name in look(settings, layout):
                _log.warning("job brought back", job=name)
        except PenstockError as error:
            _log.info("jobs were not looked after", reason=str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
