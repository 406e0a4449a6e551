"""The deployables: programs that are each submitted to Flink as one job, and what each is called where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ADAPTERS", "INPUT_ADAPTER", "OUTPUT_ADAPTER", "PMML_JOB", "SCORING", "SUBMITTED", "Deployable", "chosen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """One of them: its name, which is also its stage in dead letters, and the module that is run."""

    name: str
    module: str

    @property
    def job_name(self) -> str:
        """What Flink's web UI calls its job."""
        return f"penstock-{self._hyphenated}"

    def group(self, prefix: str) -> str:
        """Name its consumer group, with which its transactions begin too.

        It carries the topics' prefix: installations that share a broker share no progress.
        """
        return f"{prefix}.{self._hyphenated}"

    def shadow_group(self, prefix: str) -> str:
        """Name the consumer group of its pipeline for shadows, if it has one: how far that is holds up nobody else."""
        return f"{self.group(prefix)}-shadows"

    @property
    def _hyphenated(self) -> str:
        return self.name.replace("_", "-")


INPUT_ADAPTER = Deployable(name="input_adapter", module="input_adapter")
OUTPUT_ADAPTER = Deployable(name="output_adapter", module="output_adapter")
PMML_JOB = Deployable(name="pmml_job", module="jobs.pmml_job")

ADAPTERS = (INPUT_ADAPTER, OUTPUT_ADAPTER)
#: The jobs that score, by the word that `--jobs` takes.
SCORING = {"pmml": PMML_JOB}

SUBMITTED = "submitted"
"""First word of the lines in which a submission tells of success; the module and the job's id follow."""


def chosen(words: Iterable[str]) -> tuple[Deployable, ...]:
    """Return what runs for a choice of scoring jobs: those, between the two adapters, which always run."""
    return (INPUT_ADAPTER, *(SCORING[word] for word in words), OUTPUT_ADAPTER)
