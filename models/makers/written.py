"""Write the PMML files that are made by hand, with the answers that the standard's formulas or JPMML give.

    python -m models.makers.written

Run from the repository's root with the environment of `make setup`. JPMML answers where no formula stands beside the
model; it is loaded from .penstock/jars/jpmml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree  # type: ignore[import-untyped]  # comes with nyoka, without types

from jobs.pmml_job import engine
from models.makers import distances, networks, others, regressions, transforms, trees
from models.makers.golden import write_answers, write_model
from tests.pmml.jpmml import Judge, add_jars

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.makers.document import Row, Written

HEAP_MB = 256


def main() -> None:
    """Write every model, and its answers. Files of models that are gone stay: remove them yourself."""
    engine.start(HEAP_MB)
    add_jars()
    for module in (trees, regressions, networks, transforms, distances, others):
        for model in module.MODELS:
            write(model)


def write(model: Written) -> None:
    """Write one model, and its answers."""
    path = write_model(model.name, model.text)
    calculate: Callable[[Row], Row] = model.answer or Judge(path.read_bytes())
    names = [field.get("name") for field in etree.parse(path).findall("./*/{*}Output/{*}OutputField")] or ["py"]
    rows = []
    for row in model.rows:
        found = calculate(row)
        outputs = {name: found.get(name) for name in names}
        rows.append({"input": row, "prediction": outputs[names[0]], "outputs": outputs})
    write_answers(model.name, rows)


if __name__ == "__main__":
    main()
