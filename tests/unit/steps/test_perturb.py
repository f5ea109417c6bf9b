"""What step `perturb` knows of other places."""

from pathlib import Path

import pandas as pd
import pytest

from protomtl import params
from protomtl.core.settings import SPLITS
from protomtl.perturbations.kinds import Source
from protomtl.steps.perturb import other_places
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")
STS = {"sts": PARAMS.tasks["sts"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pair a split, prepared and raw, in the genre of `sts`."""
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/prepared/sts").mkdir(parents=True)
    for split in SPLITS:
        row = {"id": split, "text_a": f"A cat sits {split}.", "text_b": f"Cats sit {split}.", "label": 4.0}
        pd.DataFrame([row]).to_parquet(tmp_path / f"data/prepared/sts/{split}.parquet")
        line = f"main-captions\tfile\t2015\t7\t4.0\t{row['text_a']}\t{row['text_b']}\n"
        (tmp_path / f"data/raw/sts-{split}.csv").write_text(line)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts_of(source: str, stressed: tuple[str, ...]) -> dict[str, list[str]]:
    """Place -> the first text of each of its rows, where rows of these splits are stressed."""
    data = PARAMS.data.model_copy(update={"source": source})
    rows = {"sts": [Source(split, split, ("", ""), 4.0) for split in stressed]}
    found, _ = other_places(PARAMS.perturb, data, STS, rows)
    return {place: [row.texts[0] for row in several.rows] for place, several in found["sts"].items()}


def test_of_data_from_elsewhere_no_other_place_is_known() -> None:
    """Neither of a user's files nor of the hub's: `data.elsewhere` is for another source."""
    for source in ("folder", "hub"):
        data = PARAMS.data.model_copy(update={"source": source})
        found, told = other_places(PARAMS.perturb, data, PARAMS.tasks, {})
        assert not found and told["sst"] == ["shift: no other place is known of these data"]


@pytest.mark.parametrize("stressed", [("test",), ("dev", "test")])
def test_a_genre_has_no_row_of_dev_which_chose_the_epochs(stressed: tuple[str, ...], project: Path) -> None:
    assert texts_of("starter", stressed) == {"captions": ["A cat sits test."]}


def test_where_dev_stands_for_test_a_genre_has_its_rows(project: Path) -> None:
    assert texts_of("starter", ("dev",)) == {"captions": ["A cat sits dev.", "A cat sits test."]}


def test_a_row_of_another_set_that_a_model_was_shown_is_none_with_or_without_a_full_stop(project: Path) -> None:
    """SICK has no full stops, `sts` has them."""
    lines = ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"]
    lines += ["1\tA cat sits train\tCats sit train\t4.0\tNEUTRAL", "2\tA cat sits train\tA dog\t2.0\tNEUTRAL"]
    lines += ["3\tA cat sits test\tCats sit test\t4.0\tNEUTRAL"]
    (project / "data/raw/sick-test.tsv").write_text("\n".join(lines))
    found = texts_of("cs224n", ("test",))
    assert found == {"sick": ["A cat sits train", "A cat sits test"], "sick_apart": ["A cat sits test"]}
