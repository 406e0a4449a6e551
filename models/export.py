"""Export scikit-learn's iris models to PMML that answers exactly as scikit-learn does.

nyoka writes the files; what it gets wrong for the scikit-learn version we pin is put right here, and nothing else:
tree thresholds, the logistic regression, the cluster's type, and a header that would differ on every run.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from lxml import etree  # type: ignore[import-untyped]  # comes with nyoka, without types
from nyoka import skl_to_pmml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sklearn.base import BaseEstimator
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

__all__ = ["double_threshold", "export"]

NAMESPACE = "http://www.dmg.org/PMML-4_4"


def export(pipeline: Pipeline, features: Sequence[str], target: str, path: Path, description: str) -> None:
    """Write the fitted pipeline (one step, the estimator) to ``path`` as PMML."""
    skl_to_pmml(pipeline, list(features), target, str(path))
    document = etree.fromstring(path.read_bytes(), etree.XMLParser(remove_blank_text=True, resolve_entities=False))
    estimator: Any = pipeline[-1]
    _steady_header(document, description)
    if hasattr(estimator, "estimators_"):
        for segment, tree in zip(_all(document, "Segment"), estimator.estimators_, strict=True):
            _exact_thresholds(segment, tree)
    elif hasattr(estimator, "tree_"):
        _exact_thresholds(document, estimator)
    elif hasattr(estimator, "coef_"):
        _softmax(document, estimator, features)
    elif hasattr(estimator, "cluster_centers_"):
        _plain_cluster_outputs(document)
    etree.indent(document, space=" ")
    path.write_bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8") + b"\n")


def double_threshold(threshold: float) -> float:
    """The largest double that scikit-learn sends to the left of ``threshold``.

    scikit-learn rounds every feature to single precision before it compares; a PMML engine compares doubles. A double
    goes left when its rounded value does, so the border is halfway between the last single-precision number that is not
    above the threshold and the next one, and on the border itself the rounding goes to the even neighbour.
    """
    low = np.float32(threshold)
    if float(low) > threshold:
        low = np.nextafter(low, np.float32(-np.inf))
    middle = (float(low) + float(np.nextafter(low, np.float32(np.inf)))) / 2
    (bits,) = struct.unpack("<I", struct.pack("<f", low))
    return middle if bits % 2 == 0 else float(np.nextafter(middle, -np.inf))


def _exact_thresholds(element: etree._Element, estimator: BaseEstimator) -> None:
    """Thresholds come in single precision, which moves borders: write each as the double that splits the same."""
    tree = estimator.tree_
    for node in _all(element, "Node"):
        number = int(node.get("id"))
        children = node.findall(f"{{{NAMESPACE}}}Node")
        if not children:
            continue
        if [int(child.get("id")) for child in children] != [tree.children_left[number], tree.children_right[number]]:
            raise ValueError(f"node {number} of the PMML has other children than scikit-learn's tree")
        for child in children:
            predicate = child.find(f"{{{NAMESPACE}}}SimplePredicate")
            predicate.set("value", repr(double_threshold(float(tree.threshold[number]))))


def _softmax(document: etree._Element, estimator: LogisticRegression, features: Sequence[str]) -> None:
    """The regression comes as one-against-the-rest; scikit-learn fits one softmax over all classes."""
    chain = next(_all(document, "MiningModel"))
    schema, output = chain.find(f"{{{NAMESPACE}}}MiningSchema"), chain.find(f"{{{NAMESPACE}}}Output")
    model = etree.Element(
        f"{{{NAMESPACE}}}RegressionModel",
        modelName="LogisticRegression",
        functionName="classification",
        normalizationMethod="softmax",
    )
    model.extend([schema, output])
    for label, intercept, row in zip(estimator.classes_, estimator.intercept_, estimator.coef_, strict=True):
        table = etree.SubElement(
            model, f"{{{NAMESPACE}}}RegressionTable", targetCategory=str(label), intercept=repr(float(intercept))
        )
        for name, coefficient in zip(features, row, strict=True):
            etree.SubElement(table, f"{{{NAMESPACE}}}NumericPredictor", name=name, coefficient=repr(float(coefficient)))
    chain.getparent().replace(chain, model)


def _plain_cluster_outputs(document: etree._Element) -> None:
    """scikit-learn's clusters are whole numbers, and names with brackets are awkward in every other tool."""
    for field in _all(document, "OutputField"):
        if field.get("feature") == "predictedValue":
            field.set("dataType", "integer")
        else:
            field.set("name", f"affinity_{field.get('value')}")


def _steady_header(document: etree._Element, description: str) -> None:
    """The header holds the time of the export and its maker's copyright line: neither is about the model."""
    header = document.find(f"{{{NAMESPACE}}}Header")
    header.attrib.clear()
    header.set("description", description)
    for timestamp in header.findall(f"{{{NAMESPACE}}}Timestamp"):
        header.remove(timestamp)


def _all(element: etree._Element, tag: str) -> Any:
    return element.iter(f"{{{NAMESPACE}}}{tag}")
