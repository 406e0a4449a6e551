"""A saved pipeline tried with Spark itself before it is taken in: loaded as the job does, its sample scored."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jobs.spark_job import session
from jobs.spark_job.loader import FORMAT, SparkLoader
from penstock.errors import ModelError
from penstock.models.descriptor import ModelDescriptor
from penstock.models.findings import Finding, Severity
from penstock.sections import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Tried", "run", "sample_of"]

_SLOTS = 2
_MOST_BYTES = 16 << 30
#: By type: a value that most stages take.
_VALUES: Mapping[str, Any] = {
    "string": "a longer sample of text",
    "double": 0.5,
    "float": 0.5,
    "integer": 1,
    "long": 1,
    "boolean": True,
    "string[]": ["a", "sample"],
}
_LOADS = "Spark loads the pipeline, and it scores a sample"
#: What loading does not look at.
_ANY = {"name": "model", "version": 0, "job": "spark", "format": FORMAT, "uri": "/model", "sha256": "0" * 64}


class Tried(NamedTuple):
    """What a trial brought."""

    findings: Sequence[Finding]
    fields: Mapping[str, Any]
    """What is known now, by keys of a descriptor."""


def run(path: Path, said: Mapping[str, Any], heap_mb: int, jars: Path | None) -> Tried:
    """Try the zip at ``path``; starts Java in this process, and ends it.

    Args:
        path: the zip.
        said: what is known of the model, by keys of a descriptor.
        heap_mb: Java's heap.
        jars: the folder of Spark's jars; None: that of this folder's checkout.

    Raises `PrerequisiteError` where there is no Spark, or no Java.
    """
    folder = Path(tempfile.mkdtemp(prefix="penstock-spark-"))
    logging.getLogger("py4j").setLevel(logging.WARNING)  # tells of each connection
    jars = jars or LocalSettings().jars_dir.absolute() / "spark"
    try:
        spark = session.start(session.Java(heap_mb=heap_mb, slots=_SLOTS, jars=jars, folder=folder / "work"))
        try:
            from jobs.spark_job.engine import Engine  # wants Spark

            return tried(SparkLoader(Engine(spark), folder / "models", _MOST_BYTES, 1), path, said)
        finally:
            spark.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tried(loader: SparkLoader, path: Path, said: Mapping[str, Any]) -> Tried:
    """Load a file as the job does, and score its sample or one that is made."""
    known = {key: value for key, value in said.items() if value is not None}
    given = known.get("sample")
    if given is None:
        known["sample"] = sample_of(known.get("inputs", ()))
    tree = {key: value for key, value in known.items() if key in {"inputs", "outputs", "prediction", "sample"}}
    try:
        served = loader.load(ModelDescriptor.parse({**tree, **_ANY}, str(path)), path)
    except ModelError as error:
        advice = "correct the file or its descriptor" if given is not None else "give an input that it takes: --sample"
        return Tried((Finding(element="", rule=_LOADS, found=str(error), advice=advice),), {})
    findings = []
    if not served.row_wise:
        findings.append(
            Finding(
                element="",
                rule="a pipeline is a function of a row",
                found=served.remark(),
                advice="leave out what needs several rows (SQLTransformer with GROUP BY, joins), or live with it",
                severity=Severity.WARNING,
            )
        )
    outputs = tuple({"name": name, "type": type_} for name, type_ in served.outputs.items())
    served.close()
    described = {each["name"]: each for each in known.get("outputs", ())}
    fields = {"outputs": tuple({**described.get(each["name"], {}), **each} for each in outputs)}
    return Tried(findings, fields | ({"sample": known["sample"]} if given is None else {}))


def sample_of(inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return an input made from the types of the fields; None where a type says too little, as arrays of numbers do."""
    types = {each["name"]: each["type"] for each in inputs}
    if not types or any(type_ not in _VALUES for type_ in types.values()):
        return None
    return {name: _VALUES[type_] for name, type_ in types.items()}
