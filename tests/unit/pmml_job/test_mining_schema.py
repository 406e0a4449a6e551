"""Mining schemas: how a file's declarations become fields."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.pmml_job.mining_schema import InputField, Interval, Invalid, Missing, Outliers, parse_inputs
from penstock.errors import ModelLoadError

Pmml = Callable[..., bytes]

TREE = Path(__file__).parents[3] / "models" / "iris-tree" / "1" / "model.pmml"


def test_plain_fields() -> None:
    """Without treatments a field is a name and a type; the target is no input."""
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    assert parse_inputs(TREE.read_bytes(), "iris-tree:1") == tuple(
        InputField(name=name, data_type="double") for name in names
    )


def test_order_is_the_mining_schemas(pmml: Pmml) -> None:
    """Lists of values come in the order of the mining schema, not of the dictionary."""
    data = pmml(
        "<DataField name='a' dataType='double'/><DataField name='b' dataType='string'/>",
        "<MiningField name='b'/><MiningField name='a' usageType='active'/>",
    )
    assert [(field.name, field.data_type) for field in parse_inputs(data, "m")] == [("b", "string"), ("a", "double")]


@pytest.mark.parametrize("use", ["target", "predicted", "supplementary", "order", "frequencyWeight", "analysisWeight"])
def test_other_uses_are_no_inputs(pmml: Pmml, use: str) -> None:
    """Only active fields, and the group of an association model, have to be given."""
    data = pmml(
        "<DataField name='a' dataType='double'/><DataField name='b' dataType='double'/>",
        f"<MiningField name='a' usageType='group'/><MiningField name='b' usageType='{use}'/>",
    )
    assert [field.name for field in parse_inputs(data, "m")] == ["a"]


@pytest.mark.parametrize(
    ("closure", "inside", "outside"),
    [
        ("closedClosed", (0, 1), (-0.1, 1.1)),
        ("openOpen", (0.1, 0.9), (0, 1)),
        ("closedOpen", (0, 0.9), (1,)),
        ("openClosed", (0.1, 1), (0,)),
    ],
)
def test_intervals(pmml: Pmml, closure: str, inside: tuple[float, ...], outside: tuple[float, ...]) -> None:
    """Each of the four closures says for each margin whether it belongs to the interval."""
    interval = f"<Interval closure='{closure}' leftMargin='0' rightMargin='1'/>"
    data = pmml(f"<DataField name='x' dataType='double'>{interval}</DataField>", "<MiningField name='x'/>")
    (found,) = parse_inputs(data, "m")[0].intervals
    assert all(value in found for value in inside)
    assert not any(value in found for value in outside)


def test_interval_without_a_margin(pmml: Pmml) -> None:
    """A margin that is left out is infinite."""
    data = pmml(
        "<DataField name='x' dataType='double'><Interval closure='openClosed' rightMargin='1'/></DataField>",
        "<MiningField name='x'/>",
    )
    assert parse_inputs(data, "m")[0].intervals == (Interval(-math.inf, 1.0, low_open=True, high_open=False),)
    assert str(parse_inputs(data, "m")[0].intervals[0]) == "(-inf, 1]"


def test_values(pmml: Pmml) -> None:
    """Listed values are valid, invalid or stand for a missing one; each has the field's type."""
    values = "<Value value='1'/><Value value='2.0' property='valid'/><Value value='9' property='invalid'/>"
    data = pmml(
        f"<DataField name='x' dataType='integer'>{values}<Value value='-999' property='missing'/></DataField>",
        "<MiningField name='x'/>",
    )
    field = parse_inputs(data, "m")[0]
    assert field.valid_values == (1, 2)
    assert all(type(value) is int for value in field.valid_values)
    assert (field.invalid_values, field.missing_values) == (frozenset({9}), frozenset({-999}))


@pytest.mark.parametrize("mark", ["N/A", "inf", "nan"])
def test_mark_of_another_type(pmml: Pmml, mark: str) -> None:
    """What stands for a missing value need not be of the field's type."""
    data = pmml(
        f"<DataField name='x' dataType='integer'><Value value='{mark}' property='missing'/></DataField>",
        "<MiningField name='x'/>",
    )
    assert parse_inputs(data, "m")[0].missing_values == frozenset({mark})


@pytest.mark.parametrize(
    ("data_type", "text", "expected"),
    [("double", "7", 7.0), ("float", "7", 7.0), ("integer", "7.0", 7), ("boolean", "true", True), ("string", "7", "7")],
)
def test_replacement_has_the_fields_type(pmml: Pmml, data_type: str, text: str, expected: object) -> None:
    """A replacement is of the field's own type, and its presence says that missing values are welcome."""
    data = pmml(
        f"<DataField name='x' dataType='{data_type}'/>", f"<MiningField name='x' missingValueReplacement='{text}'/>"
    )
    field = parse_inputs(data, "m")[0]
    assert (field.missing, field.missing_replacement) == (Missing.PASS, expected)
    assert type(field.missing_replacement) is type(expected)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", Missing.UNSAID),
        ("missingValueTreatment='asMean'", Missing.UNSAID),
        ("missingValueTreatment='asIs'", Missing.PASS),
        ("missingValueTreatment='returnInvalid'", Missing.RETURN_INVALID),
        ("missingValueTreatment='returnInvalid' missingValueReplacement='1'", Missing.RETURN_INVALID),
        ("missingValueTreatment='asMean' missingValueReplacement='1'", Missing.PASS),
    ],
)
def test_missing_treatment(pmml: Pmml, attributes: str, expected: Missing) -> None:
    """Of the treatments only returnInvalid and asIs bind us; a replacement speaks for itself."""
    data = pmml("<DataField name='x' dataType='double'/>", f"<MiningField name='x' {attributes}/>")
    assert parse_inputs(data, "m")[0].missing is expected


def test_treatments_of_invalid_values_and_outliers(pmml: Pmml) -> None:
    """Both treatments are read with what they need."""
    data = pmml(
        "<DataField name='x' dataType='double'/>",
        "<MiningField name='x' invalidValueTreatment='asValue' invalidValueReplacement='3'"
        " outliers='asExtremeValues' lowValue='-1' highValue='1'/>",
    )
    field = parse_inputs(data, "m")[0]
    assert (field.invalid, field.invalid_replacement) == (Invalid.AS_VALUE, 3.0)
    assert (field.outliers, field.low, field.high) == (Outliers.AS_EXTREME_VALUES, -1.0, 1.0)


@pytest.mark.parametrize(
    ("dictionary", "schema", "message"),
    [
        ("", "<MiningField name='x'/>", "mining field 'x' is not in the data dictionary"),
        ("<DataField name='x'/>", "<MiningField name='x'/>", "element DataField has no attribute dataType"),
        ("<DataField name='x' dataType='double'/>", "<MiningField/>", "element MiningField has no attribute name"),
        (
            "<DataField name='x' dataType='double'/>",
            "<MiningField name='x' invalidValueTreatment='asIf'/>",
            r"invalidValueTreatment 'asIf', expected one of returnInvalid, asIs, asMissing, asValue",
        ),
        (
            "<DataField name='x' dataType='double'/>",
            "<MiningField name='x' invalidValueTreatment='asValue'/>",
            "'x' has invalidValueTreatment 'asValue' without invalidValueReplacement",
        ),
        (
            "<DataField name='x' dataType='double'/>",
            "<MiningField name='x' outliers='asMissingValues' lowValue='0'/>",
            "'x' has outliers 'asMissingValues' without lowValue and highValue",
        ),
        (
            "<DataField name='x' dataType='integer'/>",
            "<MiningField name='x' missingValueReplacement='seven'/>",
            "missingValueReplacement 'seven', expected a value of type integer",
        ),
        (
            "<DataField name='x' dataType='integer'><Value value='1' property='good'/></DataField>",
            "<MiningField name='x'/>",
            "value '1' of field 'x' has property 'good', expected one of valid, invalid, missing",
        ),
    ],
)
def test_contradictions(pmml: Pmml, dictionary: str, schema: str, message: str) -> None:
    """A file that contradicts itself is refused with the model's name and what is wrong."""
    with pytest.raises(ModelLoadError, match=f"^model 'm:1' cannot be loaded: .*{message}"):
        parse_inputs(pmml(dictionary, schema), "m:1")
