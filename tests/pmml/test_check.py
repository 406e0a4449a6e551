"""The whole check of a file: schema, engine, sample, the file's own rows; and that what it passes is scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.pmml_job.check import Checked
from jobs.pmml_job.check import check as check_file
from jobs.pmml_job.check import read as read_file
from jobs.pmml_job.served import serve
from penstock import settings
from penstock.errors import PrerequisiteError
from penstock.models.descriptor import ModelDescriptor
from penstock.models.findings import Severity

if TYPE_CHECKING:
    from jobs.pmml_job.engine import Engine

MODELS = Path(__file__).parents[2] / "models"
VERIFIED = """<ModelVerification><VerificationFields><VerificationField field="x"/><VerificationField field="y"/>
</VerificationFields><InlineTable><row><x>2</x><y>2</y></row>
<row><x>3</x><y>4</y></row></InlineTable></ModelVerification>"""

Check = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path, pmml_engine: Engine) -> Check:
    """Check a file of these bytes."""

    def make(data: bytes, **changes: Any) -> Checked:
        path = tmp_path / "model.pmml"
        path.write_bytes(data)
        facts: dict[str, Any] = {"schema": settings.load().local.jars_dir / "pmml", "heap_mb": 256}
        return check_file(path, **facts | changes)

    return make


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/*/model.pmml")), ids=lambda path: path.parts[-3])
def test_sample_models_pass(check: Check, path: Path) -> None:
    """And a sample was made that they score."""
    checked = check(path.read_bytes())
    assert checked.findings == ()
    assert checked.metadata is not None
    assert checked.metadata.sample
    assert checked.metadata.outputs


@pytest.mark.parametrize(
    ("change", "line", "element", "found"),
    [
        (('coefficient="1"', 'coefficient="one"'), 11, "NumericPredictor", "'one'"),
        (('usageType="target"', 'usageType="goal"'), 9, "MiningField", "'goal'"),
        (("<Header/>", "<Header/><Footer/>"), 3, "Footer", "content was found starting with element 'Footer'"),
        (('<RegressionTable intercept="0">', "<RegressionTable>"), 11, "RegressionTable", "'intercept' must appear"),
        (("<Header/>", "<Header>\n\n</Header>\n<Header\n/>"), 6, "Header", "starting with element 'Header'"),
        (("<NumericPredictor", '<!-- é --><NumericPredictor colour="red"'), 11, "NumericPredictor", "'colour'"),
    ],
)
def test_schema_tells_the_place(
    check: Check, identity: Callable[..., bytes], change: tuple[str, str], line: int, element: str, found: str
) -> None:
    """Line, column and element of what the schema does not know; lax makes warnings of it."""
    data = identity().decode().replace(*change)
    checked = check(data.encode())

    errors = [each for each in checked.findings if each.rule == "the file is as PMML's schema says"]
    assert (errors[0].line, errors[0].element, errors[0].severity) == (line, element, Severity.ERROR)
    assert data.splitlines()[line - 1][(errors[0].column or 0) - 1 :].startswith(f"<{element}")
    assert found in errors[0].found
    lax = [each for each in check(data.encode(), lax=True).findings if each.rule == errors[0].rule]
    assert {each.severity for each in lax} == {Severity.WARNING}


@pytest.mark.parametrize("version", ["3_2", "4_0", "4_1", "4_2", "4_3"])
def test_older_versions_pass(check: Check, identity: Callable[..., bytes], version: str) -> None:
    """Their elements are those of the newest schema."""
    assert check(identity().replace(b"PMML-4_4", f"PMML-{version}".encode())).findings == ()


@pytest.mark.parametrize("version", ["3_2", "4_2", "4_3"])
def test_outputs_have_types_since_4_3(check: Check, identity: Callable[..., bytes], version: str) -> None:
    """Before that the engine finds them out."""
    data = identity().replace(b"PMML-4_4", f"PMML-{version}".encode())
    checked = check(data.replace(b' feature="predictedValue" dataType="double"', b' feature="predictedValue"'))

    assert [each.element for each in checked.findings] == (["OutputField"] if version == "4_3" else [])
    assert checked.metadata is not None
    assert version == "4_3" or [output["type"] for output in checked.metadata.outputs] == ["double"]


OUTPUTS = {
    "all": '<OutputField name="p" dataType="string"/><OutputField name="pa" dataType="double" feature="probability"/>',
    "no prediction": '<OutputField name="pa" dataType="double" feature="probability" value="a"/>',
    "not final": '<OutputField name="p" dataType="string"/>'
    '<OutputField name="q" dataType="string" isFinalResult="false"/>',
    "no type": '<OutputField name="p"/>',
}


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_outputs_are_told_without_java_where_they_are_the_engines(
    identity: Callable[..., bytes], describe: Callable[..., dict[str, object]], pmml_engine: Engine, outputs: str
) -> None:
    """What is registered without it has to be what a worker finds, which refuses to load the model else."""
    text = identity().decode().replace('functionName="regression"', 'functionName="classification"')
    start, _, rest = text.replace(
        'name="y" optype="continuous" dataType="double"', 'name="y" optype="categorical" dataType="string"'
    ).partition("<Output>")
    _, _, rest = rest.partition("</Output>")
    tables = '<RegressionTable targetCategory="b" intercept="1"/></RegressionModel>'
    rest = rest.replace("<RegressionTable ", '<RegressionTable targetCategory="a" ').replace(
        "</RegressionModel>", tables
    )
    plain = describe(f"{start}<Output>{OUTPUTS[outputs]}</Output>{rest}".encode())
    path = Path(str(plain["uri"]))
    metadata = read_file(path).metadata
    assert metadata is not None

    served = serve(ModelDescriptor.parse(plain | {"outputs": metadata.outputs}, "here"), path, pmml_engine)

    assert served.ref == "model:1"
    assert len(metadata.outputs) == (2 if outputs == "all" else 0)


def test_file_of_no_namespace_is_told(check: Check, identity: Callable[..., bytes]) -> None:
    """No schema is its own."""
    (finding,) = check(identity().replace(b'xmlns="http://www.dmg.org/PMML-4_4"', b"")).findings
    assert "no namespace of PMML" in finding.found


def test_values_of_an_output_pass(check: Check, identity: Callable[..., bytes]) -> None:
    """As sklearn2pmml writes them, against the schema."""
    data = identity().replace(
        b'dataType="double" optype="continuous"/></Output>',
        b'dataType="double" optype="continuous"><Value value="1"/></OutputField></Output>',
    )
    assert b"<Value" in data
    assert check(data).findings == ()


def test_engines_refusal_has_the_place_of_what_it_names(check: Check, identity: Callable[..., bytes]) -> None:
    """The engine says a name and no line; the file says where the name stands."""
    later = """<DerivedField name="later" optype="continuous" dataType="double"><FieldRef field="x"/></DerivedField>"""
    early = later.replace("later", "early").replace('field="x"', 'field="later"')
    found = f"<LocalTransformations>{early}\n{later}</LocalTransformations>\n<RegressionTable"
    (finding,) = check(identity().replace(b"<RegressionTable", found.encode())).findings

    assert (finding.line, finding.element, finding.rule) == (11, "FieldRef", "the engine loads the file")
    assert "'later'" in finding.found


def test_given_sample_is_scored(check: Check, identity: Callable[..., bytes]) -> None:
    """A sample that the model does not take is a fault; one that it takes is kept."""
    assert check(identity(), sample={"x": 2}).metadata.sample == {"x": 2}  # type: ignore[union-attr]
    (finding,) = check(identity(), sample={"x": "two"}).findings
    assert finding.found == "for {\"x\":\"two\"} field 'x' is the string 'two', expected a number (double)"
    assert finding.element == "RegressionModel"


def test_samples_keys_are_inputs(check: Check, identity: Callable[..., bytes]) -> None:
    """Where every input may be missing, a sample with a slip in a name is scored all the same: that is told."""
    optional = identity(treatment='missingValueReplacement="0"')
    (finding,) = check(optional, sample={"xx": 2}).findings
    assert (finding.severity, finding.found) == ("warning", "'xx' is none of its inputs (x)")


def test_prediction_is_one_of_the_outputs(check: Check, identity: Callable[..., bytes]) -> None:
    """The one that is asked for, or the engine's choice."""
    assert check(identity(), prediction="y").ok
    (finding,) = check(identity(), prediction="z").findings
    assert finding.found == "it has no output 'z' (it has y)"


def test_rows_of_the_file_are_compared(check: Check, identity: Callable[..., bytes]) -> None:
    """The engine passes over them; whoever made the file says here what the model has to give."""
    checked = check(identity().replace(b"</RegressionTable>", f"</RegressionTable>\n{VERIFIED}".encode()))

    (finding,) = checked.findings
    assert (finding.line, finding.element, finding.severity) == (14, "row", Severity.ERROR)
    assert finding.found == "'y' is 3.0, expected 4"
    assert checked.metadata is not None
    assert checked.metadata.sample == {"x": 2.0}


def test_row_of_the_file_that_is_no_request_is_a_warning(check: Check, identity: Callable[..., bytes]) -> None:
    """A value that may not be missing here: its events become dead letters. The sample is another row."""
    rows = VERIFIED.replace("<row><x>2</x><y>2</y></row>", "<row><x/><y>2</y></row>").replace("<y>4</y>", "<y>3</y>")
    checked = check(identity().replace(b"</RegressionTable>", f"</RegressionTable>\n{rows}".encode()))

    (finding,) = checked.findings
    assert (finding.line, finding.element, finding.severity) == (13, "row", Severity.WARNING)
    assert "'x'" in finding.found
    assert checked.metadata is not None
    assert checked.metadata.sample == {"x": 3.0}


def test_sample_is_one_that_is_answered(check: Check, identity: Callable[..., bytes]) -> None:
    """Of those that are made, the first that gets a prediction: here that takes a number of at least five."""
    tree = """<TreeModel functionName="regression"><MiningSchema><MiningField name="x"/>
<MiningField name="y" usageType="target"/></MiningSchema><Node><True/>
<Node score="1"><SimplePredicate field="x" operator="greaterOrEqual" value="5"/></Node></Node></TreeModel>"""
    start, _, _ = identity().decode().partition("<RegressionModel")
    checked = check(f"{start}{tree}</PMML>".encode())

    assert checked.ok
    assert checked.metadata is not None
    assert checked.metadata.sample == {"x": 5.0}


def test_no_schema_is_a_lack_of_the_machine(check: Check, identity: Callable[..., bytes], tmp_path: Path) -> None:
    """Nothing is passed unseen."""
    with pytest.raises(PrerequisiteError, match=r"PMML's schema is not here .*run 'scripts/setup\.sh'"):
        check(identity(), schema=tmp_path)


def test_large_files_are_checked(check: Check, identity: Callable[..., bytes]) -> None:
    """A tree of two megabytes: what takes the square of a file's size would not come to its end here."""
    leaf = '<Node score="{n}"><SimplePredicate field="x" operator="lessThan" value="{n}"/></Node>\n'
    nodes = "".join(leaf.format(n=number) for number in range(20_000))
    tree = f"<Node><True/>{nodes}</Node></TreeModel>"
    text = identity().decode().replace("RegressionModel", "TreeModel")
    start, _, _ = text.partition("<RegressionTable")
    checked = check(f"{start}{tree}</PMML>".encode())
    assert checked.findings == ()
