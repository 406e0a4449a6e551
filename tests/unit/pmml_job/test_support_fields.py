"""What the engine does wrongly with values that a field does not list: found where it stands, all else left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.pmml_job import check

if TYPE_CHECKING:
    from pathlib import Path

AS_IS = 'invalidValueTreatment="asIs"'
AS_VALUE = 'invalidValueTreatment="asValue" invalidValueReplacement="c"'
LISTED = '<Value value="a"/>'
FILE = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary><DataField name="k" optype="categorical" dataType="string">{values}</DataField></DataDictionary>
<TreeModel functionName="classification" {attributes}><MiningSchema><MiningField name="k" {treatment}/></MiningSchema>
<Node><True/><Node score="a">
{condition}
</Node></Node></TreeModel></PMML>"""


def says(operator: str) -> str:
    """A condition on the field."""
    return f'<SimplePredicate field="k" operator="{operator}" value="a"/>'


def surrogate(*conditions: str) -> str:
    """Conditions of which the next is asked where one cannot be told."""
    return f'<CompoundPredicate booleanOperator="surrogate">{"".join(conditions)}</CompoundPredicate>'


def findings(folder: Path, condition: str, treatment: str, values: str = LISTED, attributes: str = "") -> list[str]:
    """What is said of a condition on a category with this treatment: element, line and rule of each finding."""
    path = folder / "model.pmml"
    path.write_text(
        FILE.format(condition=condition, treatment=treatment, values=values, attributes=attributes), encoding="utf-8"
    )
    return [f"{found.element} {found.line}: {found.rule}" for found in check.read(path).findings]


IS_NOT_IN = (
    '<SimpleSetPredicate field="k" booleanOperator="isNotIn"><Array type="string">a</Array></SimpleSetPredicate>'
)
SURROGATE = surrogate(says("equal"), says("equal"))


@pytest.mark.parametrize(
    ("condition", "treatment"),
    [
        (says("notEqual"), AS_IS),
        (IS_NOT_IN, AS_IS),
        (says("isNotMissing"), AS_VALUE),
        (says("isMissing"), 'missingValueReplacement="c"'),
    ],
)
def test_condition_that_meets_other_values(tmp_path: Path, condition: str, treatment: str) -> None:
    """The engine takes a value that is not listed for a missing one."""
    element = condition[1:].split(" ", maxsplit=1)[0]
    assert findings(tmp_path, condition, treatment) == [f"{element} 5: a condition gets values that are listed"]


@pytest.mark.parametrize(("condition", "strategy"), [(says("equal"), "defaultChild"), (SURROGATE, "none")])
def test_unknown_instead_of_false(tmp_path: Path, condition: str, strategy: str) -> None:
    """What is false becomes unknown, which matters where something else is done then."""
    found = findings(tmp_path, condition, AS_IS, attributes=f'missingValueStrategy="{strategy}"')
    assert set(found) == {"SimplePredicate 5: a condition gets values that are listed"}


@pytest.mark.parametrize(
    ("condition", "treatment", "values"),
    [
        (says("equal"), AS_IS, LISTED),
        (says("notEqual"), AS_IS, ""),
        (says("notEqual"), AS_IS, '<Value value="n" property="missing"/>'),
        (says("notEqual"), 'invalidValueTreatment="asMissing"', LISTED),
        (says("isMissing"), 'missingValueReplacement="a"', LISTED),
        (SURROGATE, AS_VALUE.replace('"c"', '"a"'), LISTED),
    ],
)
def test_right_form_is_left_alone(tmp_path: Path, condition: str, treatment: str, values: str) -> None:
    """Listed values only, no list at all, or a condition for which it makes no difference."""
    assert findings(tmp_path, condition, treatment, values) == []
