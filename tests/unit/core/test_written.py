"""CSV files of ours that are read again: names stay names, and damage is one line."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.core import runner
from protomtl.core.paths import KEPT
from protomtl.core.written import COMPARED, TABLE, read_cases, read_rows, read_table, whole
from protomtl.perturbations.kinds import Case
from protomtl.perturbations.tables import table_of

NAMES = ["NA", "N/A", "None", "null", "nan", "NaN", "007", "1e3", "true", "inf", "a, b", '"', "-"]


@given(method=st.sampled_from(NAMES), label=st.sampled_from(NAMES) | st.text("ab ,;\"'", min_size=1))
def test_a_name_is_read_as_it_was_written(method: str, label: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "table1.csv"
    written = pd.DataFrame({"method": [method, "b"], "label": [label, "B"], "sst": [0.5, None], "seeds": ["1, 2", "1"]})
    written.to_csv(path, index=False, lineterminator="\n")
    pd.testing.assert_frame_equal(read_table(path, TABLE), written)


def test_of_comparisons_tasks_have_names_too(tmp_path: Path) -> None:
    written = pd.DataFrame({"split": ["dev"], "method": ["NA"], "reference": ["007"], "figure": ["nan"], "p": [0.1]})
    written.to_csv(tmp_path / "c.csv", index=False, lineterminator="\n")
    pd.testing.assert_frame_equal(read_table(tmp_path / "c.csv", COMPARED), written)


GOOD = b"method,label,sst\na,A,0.5\nb,B,0.25\n"
DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "empty or cut off"),
    "cut off": (lambda good: good[:-3], "empty or cut off"),
    "zeros": (lambda good: b"\0" * len(good) + b"\n", "no column 'method'|line contains NUL"),
    "another file": (lambda _: b"{}\n", "no column 'method'"),
    "marks of a merge": (lambda good: good.replace(b"b,B", b"<<<<<<< HEAD\nb,B"), "row 3 has not the columns"),
    "no text": (lambda good: good.replace(b"A", b"\xff"), "can't decode"),
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize(
    ("folder", "mends"),
    [("results/tables", "`protomtl verify --repair` brings it back"), (KEPT / "a", "restore it by git")],
)
def test_a_damaged_table_is_one_line_with_what_mends_it(
    damage: str, folder: Path | str, mends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change, said = DAMAGED[damage]
    (path := Path(folder) / "table1.csv").parent.mkdir(parents=True)
    path.write_bytes(change(GOOD))
    with pytest.raises(SystemExit, match=rf"^{path}: damaged: [^\n]*({said})[^\n]*; {mends}$"):
        read_table(path, TABLE)


def test_a_long_table_and_what_else_reads_it_are_told_too(tmp_path: Path) -> None:
    (path := tmp_path / "sst.csv").write_bytes(b"")
    with pytest.raises(SystemExit, match="damaged: empty or cut off"):
        read_rows(path)
    path.write_bytes(b"id\n1\n")
    with pytest.raises(SystemExit, match=r"damaged: 'gold'; "), whole(path):
        read_rows(path)["gold"]


def test_no_module_reads_such_files_in_another_way() -> None:
    """pandas alone would take names for numbers, and end with a traceback."""
    others = {"core/written.py", "analysis/predictions.py", "steps/tables/build.py"}  # the last: a file of the package
    package = runner.PACKAGE
    found = [path for path in package.rglob("*.py") if "pd.read_csv(" in path.read_text(encoding="utf-8")]
    assert {path.relative_to(package).as_posix() for path in found} == others


@pytest.mark.parametrize(
    "text", ["12", "007", "1e3", "NA", "true", "a\rb", "\r", "a\r\nb", "a\nb", 'say "no", he said', "a\x85b"]
)
def test_texts_under_stress_are_read_as_they_were_written(text: str, tmp_path: Path) -> None:
    case = Case("noise", "typos", "test", "01", 1.0, "label", (text, text), (text, text))
    table_of([case, case]).to_csv(tmp_path / "x.csv", index=False, lineterminator="\n")  # as step `perturb` does
    assert [*read_cases(tmp_path / "x.csv").itertuples(index=False, name=None)] == 2 * [(*case[:6], *4 * (text,))]
