"""What can be encoded: rows in an order, each a text or a pair; all else is refused by its kind or its number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from protomtl.inference.rows import checked

TEXTS = ["a good film", "schön 😀"]
TABLE = pd.DataFrame({"text": TEXTS})
KINDS: dict[str, Callable[[list[str]], Any]] = {
    "list": list,
    "tuple": tuple,
    "series": pd.Series,
    "strings of pandas": lambda texts: pd.Series(texts, dtype="string"),
    "index": pd.Index,
    "array": np.array,
    "array of objects": lambda texts: np.array(texts, dtype=object),
    "generator": lambda texts: (text for text in texts),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_in_any_order_of_things(kind: str) -> None:
    assert [*checked(KINDS[kind](TEXTS), 1)] == TEXTS


def kind_of(value: Any) -> str:
    """The name of a test: a set has its texts in another order in each process."""
    return type(value).__name__


@pytest.mark.parametrize(
    "rows", [dict.fromkeys(TEXTS, 1), TABLE, set(TEXTS), "text", b"text", bytearray(b"text"), None, 3], ids=kind_of
)
@pytest.mark.parametrize("texts", [1, 2])
def test_what_is_no_list_is_refused(rows: Any, texts: int) -> None:
    with pytest.raises(TypeError, match="a list is needed, "):
        [*checked(rows, texts)]


@pytest.mark.parametrize("row", [b"text", 3, None, float("nan"), ["a", "b"], {"text": "a"}])
def test_a_row_that_is_no_text_is_named_by_its_number(row: Any) -> None:
    with pytest.raises(TypeError, match="row 1: a text is needed, not "):
        [*checked(["good", row], 1)]


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match=r"row 1: 'a\\ud83d' has half of a pair that stands for one character"):
        [*checked(["good", "a\ud83d"], 1)]
    with pytest.raises(ValueError, match="row 0: "):
        [*checked([("good", "\udc00")], 2)]
