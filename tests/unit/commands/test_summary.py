"""What `summary` says of tables that are not of what params.yaml has now."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from protomtl.commands import summary
from tests.support import ROOT
from tests.support.makers import patch_params

MORE = {"kind": "binary", "texts": ["t"], "label": "l", "files": {"train": "a.csv", "dev": "b.csv", "test": "c.csv"}}
TABLE = "method,sst_paper,para_paper,sts_paper,overall_paper,seeds\nconcat,,,,,1\nsingle_tasks,,,,,1\n"
RUN: dict[str, Any] = {"methods": ["concat", "only_sst", "only_para", "only_sts"], "compare": ["concat"]}
RUN |= {"embed": {"method": "concat"}, "export": {"method": "concat"}}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of two rows, of which one is put together of three methods."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    patch_params(tmp_path, RUN)
    (tmp_path / "results/tables").mkdir(parents=True)
    (tmp_path / "results/tables/table1.csv").write_text(TABLE)
    return tmp_path


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"seeds": [1, 2]}, "of the seeds 1, which"),
        ({"methods": ["concat", "cosine"]}, "of the methods concat, only_sst, only_para, only_sts, which"),
        ({"tasks": {"more": MORE}, "data": {"source": "folder"}}, "of the tasks sst, para, sts, overall, which"),
    ],
)
def test_tables_of_before_an_edit_are_not_shown_as_of_now(
    edit: dict[str, Any], told: str, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after one method alone was run: Snakemake calls `summary` at the end of each run."""
    patch_params(made, edit)
    summary.show()
    shown = capsys.readouterr().out
    assert f"results/tables: {told} params.yaml has not now" in shown and "results/tables/ " in shown


def test_tables_of_now_are_told_by_their_rows(made: Path) -> None:
    params = summary.load()
    assert summary.other_than(params, ["sst", "para", "sts"]) == ""
