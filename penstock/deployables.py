"""The deployables: programs that each run as one job, most of them Flink's, and what each is called where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ADAPTERS",
    "INPUT_ADAPTER",
    "OUTPUT_ADAPTER",
    "PMML_JOB",
    "SCORING",
    "SERVICE_JOB",
    "SPARK_JOB",
    "SUBMITTED",
    "Deployable",
    "Engine",
    "chosen",
]

Engine = Literal["flink", "spark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """One of them: its name, which is also its stage in dead letters, and the module that is run."""

    name: str
    module: str
    engine: Engine = "flink"
    """What runs it: a job of the Flink cluster, or a driver of Spark's, which is a process of its own."""

    @property
    def job_name(self) -> str:
        """What its engine's web page calls its job."""
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
SPARK_JOB = Deployable(name="spark_job", module="jobs.spark_job", engine="spark")
SERVICE_JOB = Deployable(name="service_job", module="jobs.service_job")

ADAPTERS = (INPUT_ADAPTER, OUTPUT_ADAPTER)
#: The jobs that score, by the word that `--jobs` takes.
SCORING = {"pmml": PMML_JOB, "spark": SPARK_JOB, "service": SERVICE_JOB}

SUBMITTED = "submitted"
"""First word of the lines in which a submission tells of success; the module and the job's id follow."""


def chosen(words: Iterable[str]) -> tuple[Deployable, ...]:
    """Return what runs for a choice of scoring jobs: those, between the two adapters, which always run."""
    return (INPUT_ADAPTER, *(SCORING[word] for word in words), OUTPUT_ADAPTER)
