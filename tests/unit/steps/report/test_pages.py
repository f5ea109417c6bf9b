"""What a page looks like, as far as its text decides that; a browser looks at it in tests/outside."""

import pandas as pd

from protomtl.analysis.comparisons import COLUMNS
from protomtl.steps.report.pages import Part, comparisons, data, page
from protomtl.tasks.settings import Task


def test_an_interval_stays_on_one_line_and_texts_are_as_they_are() -> None:
    cells = ["0.618 (0.589 to 0.644)", "-0.040 to +0.036, 3 %", "1 to 2 men", "<b>0.1 to 0.2</b>"]
    shown = page("t", [Part(table=pd.DataFrame({"a": cells}))])
    assert "<td>0.618 (<span>0.589 to 0.644</span>)</td>" in shown
    assert "<td><span>-0.040 to +0.036</span>, 3 %</td>" in shown
    assert "<td>1 to 2 men</td>" in shown and "<td>&lt;b&gt;<span>0.1 to 0.2</span>&lt;/b&gt;</td>" in shown


def test_values_are_shown_in_parts_of_their_range_and_classes_by_their_names() -> None:
    files = {"train": "a", "dev": "b", "test": "c"}
    block = {"texts": ["t"], "label": "y", "files": files}
    price = Task.model_validate(block | {"kind": "regression", "range": [0, 5]})
    mood = Task.model_validate(block | {"kind": "binary", "classes": ["bad", "good"]})
    split = {"rows": 3, "words": {"mean": 1.0, "p95": 1, "max": 1}, "repeats": 0}
    found = {
        "price": {"dev": split | {"labels": {"0 to 1": 1, "1 to 2": 2}}},
        "mood": {"dev": split | {"labels": {"1": 3}}},
    }
    first, _ = data({"splits": found, "shared_texts": {}}, {"price": price, "mood": mood})
    assert first.table is not None and [*first.table["labels"]] == ["0 to 1: 1, 1 to 2: 2", "good: 3"]


def test_a_turned_sign_is_told() -> None:
    """0.1 more of rmse would be worse."""
    block = {"kind": "regression", "range": [0, 5], "texts": ["t"], "label": "y"}
    files = {"train": "a", "dev": "b", "test": "c"}
    table = pd.DataFrame([dict.fromkeys(COLUMNS, 0.1)])
    for metric, said in (("rmse", "Less is better for price: there the sign is turned"), ("pearson", "")):
        task = Task.model_validate(block | {"files": files, "metric": metric})
        (part,) = comparisons(table, {}, {"price": task})
        assert str(part.text).startswith(said) and bool(part.text) is bool(said)
