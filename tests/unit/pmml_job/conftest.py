"""Factories for PMML files and their fields."""

from collections.abc import Callable

import pytest

from jobs.pmml_job.mining_schema import InputField

TEMPLATE = """<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
  <Header/>
  <DataDictionary>{dictionary}</DataDictionary>
  <RegressionModel functionName="regression">
    <MiningSchema>{schema}</MiningSchema>
    <RegressionTable intercept="0"/>
  </RegressionModel>
</PMML>"""


@pytest.fixture
def pmml() -> Callable[..., bytes]:
    """Make a PMML file of one data field's XML and one mining field's XML."""

    def make(dictionary: str = "", schema: str = "") -> bytes:
        return TEMPLATE.format(dictionary=dictionary, schema=schema).encode()

    return make


@pytest.fixture
def field() -> Callable[..., InputField]:
    """Make an input field called ``x`` of type double; keywords change it."""

    def make(name: str = "x", data_type: str = "double", **changes: object) -> InputField:
        return InputField(name=name, data_type=data_type, **changes)  # type: ignore[arg-type]  # the caller knows

    return make
