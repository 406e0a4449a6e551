"""What the Spark job says of a model's file: `penstock.models` asks here before it takes a model in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.spark_job import saved
from jobs.spark_job.columns import columns, drops_rows
from penstock.models.findings import Finding, Inspection, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from jobs.spark_job.columns import Column, Columns
    from jobs.spark_job.saved import SavedPipeline, Stage
    from penstock.models.inspection import Checks

__all__ = ["fields_of", "inspect"]

_OWN = "org.apache.spark.ml."
#: The version of Spark that the job runs, as far as files hang on it.
_SPARK = (4, 2)
_SERVES = "the stages are those of Spark ML itself"
_WHOLE = "the file is a zip of a saved PipelineModel"
_LOADS = "Spark loads the pipeline and it scores its sample"


def inspect(path: Path, said: Mapping[str, Any], checks: Checks) -> Inspection:
    """Check a file; without a heap only what can be told without Spark.

    Args:
        path: the zip.
        said: what its author says of it, by keys of a descriptor: the sample to try it with, the prediction, fields.
        checks: how closely; ``lax``: stages that are not Spark's own are a warning only.

    Raises `PrerequisiteError` where there is no Spark, or no Java.
    """
    try:
        pipeline = saved.read(path)
    except saved.SavedPipelineError as error:
        return Inspection((Finding(element="", rule=_WHOLE, found=str(error), advice="save the pipeline anew"),), {})
    found = columns(pipeline.stages)
    findings = [*_findings(pipeline, lax=checks.lax), *_of_prediction(found, said)]
    fields = fields_of(pipeline, found)
    names = [each["name"] for each in said.get("outputs") or ()]
    if names and fields["prediction"] not in names:
        fields["prediction"] = names[0]
    if checks.heap_mb is not None and all(each.severity is not Severity.ERROR for each in findings):
        from jobs.spark_job import trial

        jars = None if checks.jars is None else checks.jars / "spark"
        tried = trial.run(path, {**fields, **_given(said)}, checks.heap_mb, jars)
        findings += tried.findings
        fields |= tried.fields
    return Inspection(findings, {key: value for key, value in fields.items() if value not in (None, "", ())})


def fields_of(pipeline: SavedPipeline, found: Columns) -> dict[str, Any]:
    """Return what a file tells without Spark, by keys of a descriptor; columns only where all types are known."""
    predicting = [stage for stage in pipeline.stages if stage.part not in {"feature", "tuning"}]
    last = (predicting or pipeline.stages)[-1:]
    return {
        "format": "spark-ml",
        "algorithm": f"PipelineModel/{last[0].kind}" if last else "PipelineModel",
        "function": last[0].part if last else None,
        "producer": f"Spark {pipeline.spark}" if pipeline.spark else None,
        "inputs": _fields(found.inputs),
        "outputs": _fields(found.outputs),
        "prediction": found.prediction,
    }


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value}


def _fields(of: Sequence[Column]) -> tuple[dict[str, Any], ...]:
    if any(column.type is None for column in of):
        return ()
    plain = ({"name": column.name, "type": column.type, "feature": column.feature} for column in of)
    return tuple({key: value for key, value in each.items() if value is not None} for each in plain)


def _findings(pipeline: SavedPipeline, *, lax: bool) -> Iterator[Finding]:
    if not pipeline.stages:
        yield Finding(element="", rule="a pipeline has stages", found="it has none", advice="fit it and save it anew")
    if _newer(pipeline.spark):
        yield Finding(
            element="",
            rule=f"Spark {_SPARK[0]}.{_SPARK[1]} or an earlier one has written the file",
            found=f"Spark {pipeline.spark} has",
            advice="look at its scores before you use it, or save it with the job's own version",
            severity=Severity.WARNING,
        )
    for stage in pipeline.stages:
        yield from _of_stage(stage, lax=lax)


def _of_stage(stage: Stage, *, lax: bool) -> Iterator[Finding]:
    if not stage.name.startswith(_OWN):
        yield Finding(
            element=stage.uid,
            rule=_SERVES,
            found=f"it is a {stage.name}, which needs a jar or a package that the job does not have",
            advice="make it of Spark's stages; or give the job what it needs, and add the model with --lax",
            severity=Severity.WARNING if lax else Severity.ERROR,
        )
    if drops_rows(stage):
        yield Finding(
            element=stage.uid,
            rule="each request has a result",
            found="handleInvalid is 'skip': rows that the stage does not know are left out",
            advice="set handleInvalid to 'keep' or 'error'; as it is such requests become dead letters, and the"
            " pipeline is scored in frames, some tenths of a second each",
            severity=Severity.WARNING,
        )


def _of_prediction(found: Columns, said: Mapping[str, Any]) -> Iterator[Finding]:
    prediction = said.get("prediction")
    names = [each["name"] for each in said.get("outputs") or ()] or [column.name for column in found.outputs]
    if prediction is not None and names and prediction not in names:
        yield Finding(
            element="",
            rule="the prediction is one of the outputs",
            found=f"it is to be {prediction!r}, the outputs are {', '.join(names)}",
            advice="correct 'prediction' or 'outputs' in the descriptor",
        )
    unknown = [column.name for column in found.inputs if column.type is None]
    if unknown and not said.get("inputs"):
        yield Finding(
            element="",
            rule="the types of the inputs are known",
            found=f"the stages do not say those of {', '.join(unknown)}",
            advice="list the inputs with their types in the descriptor (docs/spark.md)",
        )


def _newer(version: str) -> bool:
    parts = version.split(".")[:2]
    return all(part.isdecimal() for part in parts) and tuple(map(int, parts)) > _SPARK
