"""What a file tells of itself, the samples made of it, and the rows to verify it by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jobs.pmml_job.check import read
from jobs.pmml_job.metadata import metadata
from jobs.pmml_job.mining_schema import InputField, read_inputs
from jobs.pmml_job.outline import MODEL_PARTS, OutlineError, outline
from jobs.pmml_job.requests import RequestReader
from jobs.pmml_job.samples import samples
from jobs.pmml_job.verification import Expected, verified_rows
from penstock.event import JSON
from penstock.models.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from pathlib import Path

FILE = """<PMML xmlns="http://www.dmg.org/PMML-4_3" xmlns:data="http://jpmml.org/x" version="4.3">
<Header><Application name="Maker" version="1.2"/></Header>
<DataDictionary>
<DataField name="age" optype="continuous" dataType="integer"><Interval closure="closedOpen" leftMargin="18"
rightMargin="99"/></DataField>
<DataField name="kind" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/></DataField>
<DataField name="day" optype="ordinal" dataType="dateDaysSince[1970]"/>
<DataField name="y" optype="continuous" dataType="double"/>
</DataDictionary>
<RegressionModel functionName="regression" algorithmName="least squares">
<MiningSchema><MiningField name="age" missingValueReplacement="40"/><MiningField name="kind"
invalidValueTreatment="asMissing"/><MiningField name="day"/><MiningField name="y" usageType="target"/></MiningSchema>
<Output><OutputField name="p" optype="continuous" dataType="double"/>
<OutputField name="q" optype="continuous" dataType="double" feature="probability" value="a"/></Output>
<RegressionTable intercept="1"/>
<ModelVerification><VerificationFields><VerificationField field="age" column="data:in"/>
<VerificationField field="y" column="data:out" precision="1e-3"/></VerificationFields>
<InlineTable><row><data:in>20</data:in><data:out>1.0</data:out></row>
<row><data:out>2.0</data:out></row></InlineTable></ModelVerification>
</RegressionModel>
</PMML>"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that says much."""
    found = tmp_path / "model.pmml"
    found.write_text(FILE, encoding="utf-8")
    return found


def test_metadata_is_the_files_own(path: Path) -> None:
    """Kind, maker, version, inputs with ranges and treatments, outputs."""
    found = metadata(path)

    assert (found.algorithm, found.function) == ("RegressionModel/least squares", "regression")
    assert (found.producer, found.format_version) == ("Maker 1.2", "4.3")
    age, kind, day = found.inputs
    assert age == {
        "name": "age",
        "type": "integer",
        "optype": "continuous",
        "required": False,
        "intervals": ("[18, 99)",),
        "missing": 40,
        "invalid": "returnInvalid",
    }
    assert (kind["values"], kind["required"], kind["invalid"]) == (("a", "b"), True, "asMissing")
    assert (day["type"], day["optype"], day["required"]) == ("dateDaysSince[1970]", "ordinal", True)
    assert [(output["name"], output["feature"], output.get("value")) for output in found.outputs] == [
        ("p", "predictedValue", None),
        ("q", "probability", "a"),
    ]


def test_metadata_fits_a_descriptor(path: Path) -> None:
    """A descriptor takes each field as it is."""
    for field in (*metadata(path).inputs, *metadata(path).outputs):
        assert FieldDescriptor(**field).name == field["name"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "", ["p", "q"]),
        ('name="p" optype="continuous" dataType="double"', 'name="p"', []),
        ('name="p"', 'name="p" feature="residual"', []),
        ('feature="probability"', 'feature="probability" isFinalResult="false"', []),
        ('feature="probability"', 'feature="probability" isFinalResult="true"', ["p", "q"]),
    ],
)
def test_outputs_are_told_where_the_engine_gives_just_these(
    tmp_path: Path, before: str, after: str, told: list[str]
) -> None:
    """What it adds, leaves out or types by itself is not known without it; then nothing is told of them."""
    path = tmp_path / "model.pmml"
    path.write_text(FILE.replace(before, after, 1), encoding="utf-8")

    found = read(path).metadata

    assert found is not None
    assert [output["name"] for output in found.outputs] == told


def test_long_lists_of_values_are_cut(tmp_path: Path) -> None:
    """A descriptor has to fit into a message; it tells how many more there are."""
    values = "".join(f'<Value value="v{number}"/>' for number in range(130))
    long = tmp_path / "long.pmml"
    long.write_text(FILE.replace('<Value value="a"/><Value value="b"/>', values), encoding="utf-8")

    (kind,) = [field for field in metadata(long).inputs if field["name"] == "kind"]
    assert (len(kind["values"]), kind["more"]) == (100, 30)


def test_samples_are_rows_that_the_model_takes(path: Path) -> None:
    """Valid values, middles of ranges, or something of the type."""
    inputs, _ = read_inputs(outline(path.read_bytes()))
    made = samples(inputs)
    reader = RequestReader(inputs)

    assert made[0] == {"age": 58, "kind": "a", "day": 20_000}
    assert all(reader.read(json.dumps(sample).encode(), JSON).row for sample in made)


@pytest.mark.parametrize(
    "data_type", ["double", "float", "integer", "boolean", "string", "timeSeconds", "dateDaysSince[1970]"]
)
def test_every_type_has_samples(data_type: str) -> None:
    """Without declared values, too."""
    field = InputField(name="x", data_type=data_type)
    assert all(RequestReader([field]).read(json.dumps(sample).encode(), JSON).row for sample in samples([field]))


def test_verification_rows_are_read(path: Path) -> None:
    """Columns are found whatever prefix they have; an empty cell is a missing value."""
    root = outline(path.read_bytes(), MODEL_PARTS)
    inputs, _ = read_inputs(root)
    first, second = verified_rows(root.model(), inputs)

    assert (first.input, first.expected) == ({"age": 20}, {"y": Expected("1.0", 1e-3, 1e-16)})
    assert second.input == {}
    assert (first.element.name, first.element.line, second.element.line) == ("row", 18, 19)


def test_verification_of_another_type_has_its_place(path: Path) -> None:
    """The cell is named."""
    root = outline(path.read_bytes().replace(b">20<", b">old<"), MODEL_PARTS)
    inputs, _ = read_inputs(root)
    with pytest.raises(OutlineError, match=r"line 18, column \d+: 'age' is 'old', expected a value of type integer"):
        verified_rows(root.model(), inputs)


@pytest.mark.parametrize(
    ("expected", "found", "fits"),
    [
        ("1.0", 1.0000005, True),
        ("1.0", 1.00001, False),
        ("0", 0.0, True),
        ("0", 1e-9, False),
        ("1", "1", True),
        ("setosa", "setosa", True),
        ("setosa", "virginica", False),
        ("true", True, True),
        ("false", True, False),
        ("1", None, False),
    ],
)
def test_answers_are_compared_as_pmml_says(expected: str, found: object, fits: bool) -> None:  # noqa: FBT001
    """Numbers within their precision, all else to the letter."""
    assert Expected(expected, 1e-6, 1e-16).fits(found) is fits  # type: ignore[arg-type]


def test_reading_ends_where_nothing_more_is_needed() -> None:
    """A worker needs the mining schema of a large file, and no time for the rest of it."""
    root = outline(FILE[: FILE.index("<RegressionTable")].encode(), whole=False)
    assert root.model().name == "RegressionModel"
