"""The rows of a step's output are those of its input, by id and in order."""

from contextlib import chdir
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.analysis.predictions import read_run
from protomtl.core.runs import Run, predictions_file
from protomtl.data.readers import Row
from protomtl.steps.evaluate.files import write_predictions, write_submission
from protomtl.steps.prepare import write_table
from protomtl.tasks.kinds import Multilabel
from protomtl.tasks.settings import Task
from tests.unit.data.test_readers import GRADED, SINGLE

ODD = st.sampled_from(
    ["NA", "null", "nan", "None", "", "007", "1e3", "-", "#", '"', "a,b", "\ufeffa", "\u2028", "TRUE"]
)
IDS = (ODD | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=6)).map(
    lambda text: text.strip() or "line-2"
)
ROWS = st.lists(st.tuples(IDS, st.integers(0, 3)), min_size=1, max_size=6)


@given(rows=ROWS, labelled=st.booleans())
def test_ids_and_labels_of_predictions_come_back(
    rows: list[tuple[str, int]], labelled: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ids = [name for name, _ in rows]
    gold = np.array([label if labelled else np.nan for _, label in rows], np.float32)
    scores = np.eye(5)[[label for _, label in rows]]
    with chdir(tmp_path_factory.getbasetemp()):
        path = predictions_file(Run("m", 1), "dev", "t")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_predictions(path, SINGLE, ids, gold, scores.argmax(1), scores, {})
        found = read_run(Run("m", 1), "dev", "t").reset_index()
        write_submission(path, SINGLE, ids, scores.argmax(1))
        submitted = path.read_bytes().decode().split("\n")[1:-1]
    assert found["id"].tolist() == ids
    assert np.array_equal(found["gold"].to_numpy(float), gold, equal_nan=True)
    assert found["prediction"].tolist() == [label for _, label in rows]
    assert submitted == [f"{name} , {label} " for name, label in rows]


@pytest.mark.parametrize("classes", [[0], [0, 29], [*range(40)], [39, 52]])
def test_a_set_of_many_classes_is_submitted_whole(classes: list[int], tmp_path: Path) -> None:
    """Its number has up to 16 digits."""
    names = [f"c{k}" for k in range(53)]
    task = Task(kind="multilabel", classes=names, texts=["text"], label="topics", files=SINGLE.files)
    label = task.what.read(task, "; ".join(names[k] for k in classes))
    write_submission(tmp_path / "said", task, ["a"], np.array([label]))
    (line,) = (tmp_path / "said").read_text().splitlines()[1:]
    assert Multilabel().classes_of(float(line.split(",")[1])) == classes


@given(
    rows=st.lists(
        st.tuples(IDS, st.tuples(st.text(st.characters(exclude_categories=["Cs"])), IDS), st.none() | st.floats(0, 5)),
        max_size=5,
    ),
    batch=st.integers(1, 3),
)
def test_prepared_tables_have_the_rows_that_were_read(
    rows: list[tuple[str, tuple[str, str], float | None]], batch: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "prepared/t.parquet"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("protomtl.steps.prepare.BATCH", batch)
        profile = write_table(path, (Row(*row) for row in rows), GRADED)
    assert profile.rows == len(rows)
    found = pq.read_table(path).to_pylist()
    assert [(r["id"], (r["text_a"], r["text_b"]), r["label"]) for r in found] == rows
