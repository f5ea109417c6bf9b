"""Labels of `--support`: which are one class, and which are none."""

from typing import Any

import numpy as np
import pytest

from protomtl.commands.classify import label, labels_of
from protomtl.inference.lines import BadInput

DIGITS = "12345678901234567890"


def one(value: Any) -> str:
    return label("few.csv:2", {"text": "a", "label": value}, "label")


@pytest.mark.parametrize("value", ["\u200b", "\ufeff \u00ad", "\u00a0", "", None, "nan"])
def test_what_cannot_be_seen_is_no_label(value: Any) -> None:
    with pytest.raises(BadInput, match=r"few\.csv:2: column 'label'"):
        one(value)


def test_equal_numbers_are_one_class_and_identifiers_keep_all_digits() -> None:
    def found(*values: Any) -> list[str]:
        return labels_of([(f"few.csv:{n}", {"label": value}, np.zeros(1)) for n, value in enumerate(values)], "label")

    assert found("1", "1.0", 1, 1.0, "1e0", "\uff11") == ["1"] * 6
    assert found(DIGITS, f"{DIGITS[:-1]}1", int(DIGITS)) == [DIGITS, f"{DIGITS[:-1]}1", DIGITS]
    assert found(1e300, "x") == ["1e+300", "x"]
