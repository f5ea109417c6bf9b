"""The pages of the report say what the results say, safely, and need nothing else."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from protomtl.core.paths import PREPARED
from protomtl.core.runs import Run, predictions_file
from protomtl.params import load
from protomtl.steps.report import confusion, step
from tests.support import ROOT
from tests.support.makers import make_workdir, patch_params
from tests.support.steps import run_all, run_steps

METHODS = ["concat", "prototypical", "cosine"]
NASTY = "<script>alert(1)</script> & good"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """results/report of three methods; a text of dev looks like a program."""
    folder = make_workdir(tmp_path_factory.mktemp("report"), tiny_backbone)
    patch_params(folder, {"methods": METHODS, "seeds": [1, 2]})
    path = folder / "data/own/ids-sst-dev.csv"
    lines = path.read_text().splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    path.write_text("\n".join([lines[0], *("\t".join([n, i, f"{NASTY} {text}", y]) for n, i, text, y in rows)]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_all()
    return folder / "results/report"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def tables(page: Path) -> list[pd.DataFrame]:
    """The tables of a page, as they are read."""
    found, text = [], re.sub("</?span>", "", text_of(page))
    for table in re.findall(r"<table.*?</table>", text, re.S):
        rows = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr.*?</tr>", table, re.S)]
        found.append(pd.DataFrame(rows[1:], columns=rows[0]))
    return found


def test_all_pages_stand_alone(pages: Path) -> None:
    names = {p.name for p in pages.iterdir()}
    assert {f"{n}.html" for n in ("answer", "table1", "table2", "comparisons", "data", "errors", "versions")} < names
    assert {"confusion-sst.png", "confusion-para.png"} < names and "confusion-sts.png" not in names
    for page in pages.glob("*.html"):
        assert not re.search(r"https?:|<script|<link|src=", text_of(page)), page
        assert "<title>" in text_of(page) and "viewport" in text_of(page)


def test_texts_are_escaped(pages: Path) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; good" in text_of(pages / "errors.html")


def test_the_table_is_the_table(pages: Path) -> None:
    table = pd.read_csv(pages.parent / "tables/table2.csv").set_index("label")
    shown = tables(pages / "table2.html")[0].set_index("method")
    assert list(shown.index) == list(table.index)
    for label, row in table.iterrows():
        assert shown.loc[label, "sts"] == f"{row['sts']:.3f} ({row['sts_low']:.3f} to {row['sts_high']:.3f})"
    assert (
        "Prototypical pre-trained" in shown.index
        and float(shown.loc["Prototypical pre-trained", "overall, paper"]) == 0.728
    )


def test_the_answer_is_that_of_the_comparisons(pages: Path) -> None:
    text = text_of(pages / "answer.html")
    assert (
        "Does prototypical pre-training help?" in text and "against <i>Concatenation before encoding</i>, test" in text
    )
    assert "MUPPET" not in text  # was not run
    assert re.search(r"<b>(not shown|better|worse)</b> overall", text)


def test_the_worst_errors_come_first(pages: Path) -> None:
    errors = tables(pages / "errors.html")
    rows = pd.read_csv(pages.parent / "evaluate/prototypical/seed1/dev/sts.csv")
    worst = errors[2]  # para, sst, sts in the order of params.yaml
    distance = (worst["prediction"].astype(float) - worst["gold"].astype(float)).abs()
    assert distance.is_monotonic_decreasing and len(worst) == min(step.WORST, len(rows))
    assert distance.iloc[0] == pytest.approx((rows["prediction"] - rows["gold"]).abs().max(), abs=1e-4)
    assert list(worst.columns) == ["gold", "prediction", "text", "second text"]


@pytest.mark.parametrize("right", [2, 3])
def test_a_right_answer_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: int) -> None:
    """Where few answers are wrong, the least sure of the right ones stood behind them."""
    monkeypatch.chdir(tmp_path)
    shown, task = Run("concat", 1), load(ROOT / "params.yaml").tasks["para"]
    predicted = [1] * right + [0] * (3 - right)
    rows = {"id": ["a", "b", "c"], "gold": 1, "prediction": predicted, "score_0": 0.4, "score_1": 0.6}
    for path in (predictions_file(shown, "dev", "para"), PREPARED / "para/dev.parquet"):
        path.parent.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(predictions_file(shown, "dev", "para"))
    pd.DataFrame({"text_a": ["r", "s", "t"], "text_b": "u"}).to_parquet(PREPARED / "para/dev.parquet")
    (found,) = step.errors(shown, {"para": task})
    if right == 3:
        assert found.table is None and found.text == "All rows of dev are answered rightly."
    else:
        assert found.table is not None and found.table.to_numpy().tolist() == [["yes", "no", "t", "u"]]


def test_confusions_add_up_all_seeds(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pages.parent.parent)
    seen: list[np.ndarray] = []
    monkeypatch.setattr(confusion, "draw_confusion", lambda panel, counts, *_: seen.append(counts))
    params = load()
    confusion.draw_confusions({m: m for m in METHODS}, [1, 2], params.tasks, tmp_path)
    assert len(seen) == 2 * len(METHODS)
    assert all(counts.sum() == 2 * 24 for counts in seen)  # two seeds of 24 dev rows


def test_without_labels_the_pages_say_so(workdir: Path) -> None:
    for path in (workdir / "data/own").glob("*-test.csv"):
        table = pd.read_csv(path, sep="\t", dtype=str)
        table.drop(columns=table.columns[-1]).to_csv(path, sep="\t", index=False)
    patch_params(workdir, {"methods": ["concat", "prototypical"]})
    run_all()
    assert "These data have no labels" in text_of(workdir / "results/report/table2.html")
    assert ", dev: " in text_of(workdir / "results/report/answer.html")


def test_the_same_bytes_again(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from protomtl.core.files import digest_folder

    monkeypatch.chdir(pages.parent.parent)
    before = digest_folder(pages)
    run_steps("report")
    assert digest_folder(pages) == before
