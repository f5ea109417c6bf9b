"""Every number of params.yaml has two bounds, and nothing that stands anywhere ends in a traceback."""

import copy
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.params import Params, load
from tests.support.params import WHOLE, written

Bounds = dict[str, float]  # minimum, exclusiveMinimum, maximum, exclusiveMaximum, as a JSON schema has them


def numbers(schema: dict[str, Any], block: dict[str, Any], path: str = "") -> dict[str, Bounds]:
    """Path -> bounds, of every number that params.yaml may hold; the sections are those of the settings' classes."""
    if "$ref" in block:
        return numbers(schema, schema["$defs"][block["$ref"].rpartition("/")[2]], path)
    if block.get("type") in ("integer", "number"):
        return {path: block}
    found: dict[str, Bounds] = {}
    for inner in (*block.get("anyOf", ()), *block.get("oneOf", ())):
        found |= numbers(schema, inner, path)
    for key, inner in block.get("properties", {}).items():
        found |= numbers(schema, inner, f"{path}.{key}".strip("."))
    for inner in block.get("patternProperties", {}).values():
        found |= numbers(schema, inner, f"{path}.{FILLED.get(path, '')}")
    for place, inner in enumerate(block.get("prefixItems", [])):
        found |= numbers(schema, inner, f"{path}.{place}")
    return found | (numbers(schema, block["items"], f"{path}.0") if isinstance(block.get("items"), dict) else {})


FILLED = {
    "tasks": "sts",
    "method": "cosine",
    "finetune.weights": "sst",
}  # the key at which a block of any keys is tried
SCHEMA = Params.model_json_schema()
NUMBERS = numbers(SCHEMA, SCHEMA) | {
    "tasks.sst.classes": SCHEMA["$defs"]["Task"]["properties"]["classes"]["anyOf"][0]["oneOf"][0]
}
del NUMBERS["tasks.sts.classes"]  # a value has none


def with_number(folder: Path, path: str, value: float) -> Path:
    """params.yaml with one method, and one number in it."""
    content = copy.deepcopy(WHOLE)
    content |= {"method": {"cosine": content["method"]["cosine"]}, "methods": ["cosine"], "compare": []}
    content["embed"]["method"] = content["export"]["method"] = "cosine"
    block: Any = content
    *above, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in above:
        block = block[key]
    block[last] = value
    return written(folder, content)


def is_within(value: float, bounds: Bounds) -> bool:
    low = value >= bounds["minimum"] if "minimum" in bounds else value > bounds["exclusiveMinimum"]
    return low and (value <= bounds["maximum"] if "maximum" in bounds else value < bounds["exclusiveMaximum"])


def test_every_number_is_found_and_has_two_bounds() -> None:
    assert len(NUMBERS) > 40 and {"finetune.lr", "tasks.sts.range.1", "finetune.weights.sst", "seeds.0"} < set(NUMBERS)
    for path, bounds in NUMBERS.items():
        ends = [end for side in ("imum", "xclusive") for end in bounds if side in end]
        assert len(set(ends)) == 2, path
        assert all(math.isfinite(bounds[end]) for end in ends), path


TRIED = (math.nan, math.inf, -math.inf, -1, 0, 0.5, -1e-300, 1e300, 10**400)


@pytest.mark.parametrize("path", NUMBERS)
def test_a_number_is_within_its_bounds_or_refused_by_its_key(tmp_path: Path, path: str) -> None:
    bounds = NUMBERS[path]
    ends = [bounds[end] for end in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") if end in bounds]
    for value in (*TRIED, *ends):
        file, error = with_number(tmp_path, path, value), ""
        try:
            load(file)
        except SystemExit as stop:
            error = str(stop)
        fits = bounds["type"] == "number" or not isinstance(value, float)
        if fits and math.isfinite(value if abs(value) <= 1e300 else 0.0) and is_within(value, bounds):
            assert "Input should be" not in error, value  # that keys do not fit each other is another matter
        else:
            assert re.search(f"^{re.escape(f'{file}: {path}')}: .*Input should be ", error), value


def places(block: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where params.yaml has a value, a block or a list."""
    for key, inner in block.items() if isinstance(block, dict) else enumerate(block) if isinstance(block, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


PLACES = [*places(WHOLE)]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.sampled_from(["", "concat", "sst", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sst", "lr", "é", "a.b"]), inner),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_nothing_that_can_stand_anywhere_ends_in_a_traceback(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    content = copy.deepcopy(WHOLE)
    for (*above, last), value in changes:
        with suppress(KeyError, IndexError, TypeError):  # it went with an earlier change
            reduce(getitem, above, content)[last] = value
    with TemporaryDirectory() as folder:
        file = written(Path(folder), content)
        try:
            load(file)
        except SystemExit as error:
            assert all(line.startswith((f"{file}", "params.yaml: ")) for line in str(error).splitlines())
