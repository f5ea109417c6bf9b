"""The verdict of one method, and the settings that are not as they were."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from protomtl.commands import preset
from protomtl.core.files import read_json, write_json
from protomtl.core.paths import results
from protomtl.core.runs import Run
from protomtl.metrics import METRICS
from protomtl.params import load
from protomtl.receipt import here, rows
from protomtl.receipt.changed import of_method, of_metrics
from protomtl.receipt.here import refuse_damaged
from protomtl.receipt.judging import DIFFERENT, EQUIVALENT, OPEN, SAME, by_figures, judged
from protomtl.receipt.kept import Kept
from protomtl.receipt.page import answer, figures_of, markdown, status
from protomtl.receipt.rows import Row
from protomtl.steps.report.pages import Part
from protomtl.steps.tables.joined import Evaluated
from protomtl.tasks.settings import Task
from tests.support import ROOT

MARGIN = 0.02
FILES = {"train": "a", "dev": "b", "test": "c"}
YES_NO = Task.model_validate({"kind": "binary", "texts": ["t"], "label": "l", "files": FILES})
RIGHT, WRONG = [0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    "difference, interval, bytes_same, predicted, verdict",
    [
        (0.0, (0.0, 0.0), True, True, SAME),
        (0.0, (0.0, 0.0), None, True, EQUIVALENT),  # digests were not kept
        (0.0, (0.0, 0.0), False, True, EQUIVALENT),  # the weights are others
        (0.004, (-0.01, 0.02), False, False, EQUIVALENT),  # the ends of the margin belong to it
        (0.004, (-0.01, 0.0201), False, False, OPEN),
        (0.021, (-0.001, 0.04), False, False, OPEN),  # it may be 0
        (0.021, (0.001, 0.04), False, False, DIFFERENT),
        (-0.021, (-0.04, -0.001), True, False, DIFFERENT),  # same weights, other predictions
        (0.019, (0.01, 0.03), False, False, OPEN),  # real, but perhaps within the margin
    ],
)
def test_the_verdict_follows_from_bytes_predictions_and_interval(
    difference: float, interval: tuple[float, float], bytes_same: bool | None, predicted: bool, verdict: str
) -> None:
    assert judged(difference, interval, MARGIN, bytes_same, predicted)[0] == verdict


@pytest.mark.parametrize(
    "difference, bytes_same, verdict",
    [(0.02, None, EQUIVALENT), (-0.0201, None, DIFFERENT), (float("nan"), None, OPEN), (0.0, True, SAME)],
)
def test_without_predictions_the_means_decide(difference: float, bytes_same: bool | None, verdict: str) -> None:
    assert by_figures(difference, MARGIN, bytes_same)[0] == verdict


def row(verdict: str) -> Row:
    return Row("m", "M", verdict, "why", [1], {"overall": (0.5, 0.5)}, None)


@pytest.mark.parametrize(
    "verdicts, number, word",
    [
        ([SAME, EQUIVALENT], 0, "Yes: of 2 methods 1 same bytes, 1 equivalent."),
        ([SAME, DIFFERENT, OPEN], 1, "No: of 3 methods 1 same bytes, 1 different, 1 cannot tell."),
        ([EQUIVALENT, OPEN], 2, "Cannot tell: of 2 methods 1 equivalent, 1 cannot tell."),
        ([], 2, "Cannot tell: of 0 methods none is in both."),
    ],
)
def test_one_sentence_and_one_status_answer(verdicts: list[str], number: int, word: str) -> None:
    found = [*map(row, verdicts)]
    assert status(found) == number
    assert answer(found, "starter") == f"Is starter reproduced? {word}"
    partly = answer(found, "starter", ["a", "b"])  # what was not run here is not called reproduced
    assert partly == f"Is starter reproduced? {word.removesuffix('.')}; 2 more of its methods not run here."


def run_of(over: Any, first: Any = False, **finetune: Any) -> dict[str, Any]:
    """Settings of one method, `a`."""
    block = {"label": "A", "pretrain": first, "finetune": over}
    base = {"lr": 1e-4, "epochs": 3, "weights": {}, "prototypes": {"weight": 0.0}} | finetune
    return {"data": "starter", "pretrain": {"lr": 1e-3}, "finetune": base, "methods": {"a": block}}


@pytest.mark.parametrize(
    ("kept", "mine", "told"),
    [
        (run_of({}), run_of({}), []),
        (run_of({}), run_of({}, lr=3e-4), ["finetune.lr 0.0001 -> 0.0003"]),
        (run_of({"lr": 0.01}), run_of({"lr": 0.01}, lr=3e-4), []),  # its own rate is as it was
        (run_of({}), run_of({"lr": 3e-4}), ["finetune.lr 0.0001 -> 0.0003"]),  # its block names it now
        (run_of({"lr": 3e-4}), run_of({}), ["finetune.lr 0.0003 -> 0.0001"]),  # or no more
        (run_of({"lr": 1e-4}), run_of({}), []),  # in other words
        (run_of({}), run_of({"weights": {"sst": 2.0}}), ["finetune.weights {} -> {'sst': 2.0}"]),
        (run_of({}), run_of({}, weights={"sst": 2.0}), ["finetune.weights {} -> {'sst': 2.0}"]),
        (run_of({}), run_of({}, first={}), ["pretrain false -> its own"]),
        (run_of({}, first={}), run_of({}, first={"lr": 1e-2}), ["pretrain.lr 0.001 -> 0.01"]),
        (run_of({}), run_of({}) | {"pretrain": {"lr": 1.0}}, []),  # a phase that it does not have
        (run_of({}) | {"data": "cs224n"}, run_of({}), ["data cs224n -> starter"]),
        # What came later: the kept run has the value of all methods, and so another one than a method that names it.
        (run_of({}), run_of({}, later=0, prototypes={"weight": 0.0, "later": 0}), []),
        (run_of({}), run_of({"later": 1}, later=0), ["finetune.later 0 -> 1"]),
    ],
)
def test_settings_are_those_that_a_method_comes_to(kept: Any, mine: Any, told: list[str]) -> None:
    assert of_method(kept, mine, "a") == told


def test_the_kept_run_of_all_methods_is_of_the_settings_that_there_are() -> None:
    """It is of a version before many options, and in its base `prototypes` was a number."""
    about, settings = read_json(ROOT / "docs/runs/starter/about.json"), here.settings(load(ROOT / "params.yaml"))
    both = settings["methods"].keys() & about["methods"].keys()
    assert len(both) == 15 and not any(of_method(about, settings, method) for method in both)


def test_the_kept_run_of_the_evaluators_script_is_of_the_settings_of_make_quick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its last command could tell of none (docs/guides/evaluate-this.md)."""
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    preset.apply("quick")
    about, settings = read_json(ROOT / "docs/runs/quick/about.json"), here.settings(load())
    assert len(settings["methods"]) == 7 and settings["methods"].keys() == about["methods"].keys()
    assert not any(of_method(about, settings, method) for method in settings["methods"])


def test_a_kept_run_of_before_does_not_say_its_blocks() -> None:
    assert of_method({"data": "starter", "finetune": {"lr": 1e-4}}, run_of({"epochs": 1}), "a") == []


KINDS = {
    "classification": {"classes": 4},
    "binary": {},
    "regression": {"range": [0, 5]},
    "multilabel": {"classes": ["a", "b", "c"]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_that_was_kept_is_told_from_one_of_another_metric(kind: str) -> None:
    """The same bytes have another figure then: no difference of these says anything of the run."""
    block: dict[str, Any] = {
        "kind": kind,
        "texts": ["t"],
        "label": "l",
        "files": FILES,
    }
    task = Task.model_validate(block | KINDS[kind])
    random = np.random.default_rng(1)
    labels = {"regression": random.uniform(0, 5, 90).round(1), "multilabel": random.integers(0, 8, 90)}
    gold = np.asarray(labels.get(kind, random.permutation(np.repeat([0, 0, 0, 1, 1, 0], 15))), float)
    said = np.where(random.random(90) < 0.7, gold, random.permutation(gold))
    index = pd.MultiIndex.from_arrays([np.arange(90), gold], names=["id", "gold"])
    predicted = {"t": pd.DataFrame({1: said, 2: said}, index)}
    for kept in task.what.metrics:
        of = METRICS[kept](task.what.targets(task, gold), task.what.targets(task, said))
        figures = {seed: {"t": round(of, 6)} for seed in (1, 2)}
        for now in task.what.metrics:
            found = [*of_metrics(predicted, figures, {"t": task.model_copy(update={"metric": now})})]
            assert found == ([] if now == kept else [f"tasks.t.metric {kept} -> {now}"])
    assert not [*of_metrics(predicted, {1: {"t": None}, 2: {}}, {"t": task})]


def test_metrics_that_are_equal_are_not_told_apart_by_their_last_bits() -> None:
    """Of classes that are equally frequent accuracy and balanced accuracy are one, but for the order of a sum."""
    task = Task.model_validate({"kind": "binary", "texts": ["t"], "label": "l", "files": FILES})
    gold = np.repeat([0.0, 1.0], 20)
    index = pd.MultiIndex.from_arrays([np.arange(40), gold], names=["id", "gold"])
    for no, yes in itertools.product(range(1, 20), repeat=2):
        said = np.repeat([0.0, 1.0, 0.0, 1.0], [no, 20 - no, yes, 20 - yes])
        figures = {1: {"t": round(METRICS["accuracy"](gold, said), 6)}}
        for metric in ("accuracy", "balanced_accuracy"):
            other = task.model_copy(update={"metric": metric})
            assert not [*of_metrics({"t": pd.DataFrame({1: said}, index)}, figures, {"t": other})]


@pytest.mark.parametrize(
    ("trained", "named", "predicted", "told"),
    [
        (["sst", "para"], ["sst", "para"], True, ""),
        (["sst", "para"], ["sst", "mood"], True, "para"),  # renamed in params.yaml, behind the run
        (["sst", "mood"], ["sst", "mood"], True, "mood, para"),  # and run again
        (["sst", "mood"], ["sst", "mood"], False, "mood"),
    ],
)
def test_a_task_that_one_run_alone_has_leaves_the_answer_open(
    trained: list[str], named: list[str], predicted: bool, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes of all others are no answer yes. trained, named: tasks of the run here, and of params.yaml;
    predicted: the kept run has predictions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rows, "same_bytes", lambda *_: True)
    run, splits, theirs = Run("m", 1), ("dev", "test"), ("sst", "para")
    index = pd.MultiIndex.from_arrays([[*"wxyz"], RIGHT], names=["id", "gold"])
    for split, name in itertools.product(splits, trained):
        path = results("evaluate", *run) / split / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"prediction": RIGHT}, index).to_csv(path)
    ours, there = ({split: dict.fromkeys(("overall", *of), 1.0) for split in splits} for of in (trained, theirs))
    write_json(results("evaluate", *run) / "metrics.json", ours)
    evaluated = Evaluated(
        {split: {name: pd.DataFrame({run: RIGHT}, index) for name in theirs} for split in splits}, {run: there}, {}
    )
    tables = {split: pd.DataFrame([{"method": "m"} | there[split]]) for split in splits}
    kept = Kept(tmp_path, {}, tables, [1], evaluated if predicted else None, {}, {})
    found = rows.row(kept, "m", "M", [run], dict.fromkeys(named, YES_NO), MARGIN, [], {})
    expected = (OPEN, f"tasks of one run alone: {told}") if told else (SAME, "weights, curves and every prediction")
    assert (found.verdict, found.why) == expected


@pytest.mark.parametrize(
    ("said", "bytes_same", "verdict"),
    [([0, 1, 1, 1], True, SAME), ([0, 1, 1, 1], None, EQUIVALENT), ([0, 1, 0, 1], False, OPEN)],
)
def test_a_method_of_one_task_is_told_by_its_bytes(
    said: list[int], bytes_same: bool | None, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no overall, and its row in the tables is that which is put together of several."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rows, "same_bytes", lambda *_: bytes_same)
    run, folder = Run("only_sst", 1), results("evaluate", "only_sst", 1)
    metrics = {"dev": {"sst": 0.75}, "test": {"sst": 0.75}}
    write_json(folder / "metrics.json", metrics)
    for split in ("dev", "test"):
        (folder / split).mkdir()
        table = pd.DataFrame({"id": [*"wxyz"], "gold": [0, 1, 0, 1], "prediction": said})
        table.to_csv(folder / split / "sst.csv", index=False)
    index = pd.MultiIndex.from_arrays([[*"wxyz"], [0.0, 1.0, 0.0, 1.0]], names=["id", "gold"])
    predictions = {split: {"sst": pd.DataFrame({run: [0.0, 1.0, 1.0, 1.0]}, index)} for split in ("dev", "test")}
    tables = {split: pd.DataFrame({"method": ["single_tasks"], "sst": [0.75]}) for split in ("dev", "test")}
    kept = Kept(tmp_path, {}, tables, [1], Evaluated(predictions, {run: metrics}, {run: {}}), {}, {})
    tasks = dict.fromkeys(("sst", "para"), YES_NO)
    found = rows.row(kept, "only_sst", "SST alone", [run], tasks, MARGIN, [], {})
    assert found.verdict == verdict and found.figures["sst"] == (0.75, 0.75) and found.interval is None


@pytest.mark.parametrize(
    ("kept", "here", "interval"),
    [
        ([RIGHT, RIGHT], [RIGHT, RIGHT], (0, 0)),
        ([WRONG, WRONG], [RIGHT, RIGHT], (1, 1)),  # here minus kept
        ([RIGHT, RIGHT, WRONG], [RIGHT, RIGHT, RIGHT], (0, 1)),  # one seed in three, and seeds are drawn anew
        ([RIGHT, WRONG], [WRONG, RIGHT], (-1, 1)),  # as good in the mean, not seed by seed
    ],
)
def test_the_interval_of_two_runs_pairs_their_seeds(
    kept: list[list[float]], here: list[list[float]], interval: tuple[float, float]
) -> None:
    index = pd.MultiIndex.from_arrays([[*"stuvwxyz"], RIGHT * 2], names=["id", "gold"])
    columns = {
        Run(who, k): own * 2 for who, several in (("kept", kept), ("here", here)) for k, own in enumerate(several)
    }
    assert rows.interval_of({"sst": pd.DataFrame(columns, index)}, {"sst": YES_NO}, "test") == interval


def test_fewer_than_six_examples_have_no_interval() -> None:
    index = pd.MultiIndex.from_arrays([[*"wxyz"], RIGHT], names=["id", "gold"])
    both = {"sst": pd.DataFrame({Run("kept", 1): WRONG, Run("here", 1): RIGHT}, index)}
    assert np.isnan(rows.interval_of(both, {"sst": YES_NO}, "test")).all()


def test_a_figure_is_the_mean_over_seeds_and_undefined_where_one_is() -> None:
    assert rows.mean([0.5, 0.75]) == 0.625 and np.isnan(rows.mean([0.5, None]))


TABLE = "id,gold,prediction\n1,0,0\n"
DAMAGES = {  # what is written into which file, and what is said of it
    "cut off": ("test/sst.csv", "", "test/sst.csv: damaged: empty or cut off"),
    "no table": ("test/sst.csv", "{}", "test/sst.csv: damaged: "),
    "no numbers": ("dev/sst.csv", TABLE.replace("0\n", "x\n"), "dev/sst.csv: damaged: could not convert"),
    "no figures": ("metrics.json", "[]", "metrics.json: damaged, no figures of dev"),
    "no figures of test": ("metrics.json", '{"dev": {}}', "metrics.json: damaged, no figures of test"),
    "gone": ("test/sst.csv", None, "test/sst.csv: not there"),
    "no versions": ("../../../finetune/concat/seed1/versions.json", None, "versions.json: not there"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_damaged_here_is_one_line(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = Run("concat", 1)
    folder = results("evaluate", *run)
    for split in ("dev", "test"):
        (folder / split).mkdir(parents=True)
        (folder / split / "sst.csv").write_text(TABLE)
    write_json(folder / "metrics.json", {split: {"sst": 1.0} for split in ("dev", "test")})
    for record in ("config.json", "versions.json"):
        write_json(results("finetune", *run) / record, {})
    refuse_damaged([run], ["sst", "sts"])  # a method may have trained some tasks alone
    name, content, message = DAMAGES[what]
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(SystemExit, match=f"seed1/{message}.*; `protomtl verify --repair`"):
        refuse_damaged([run], ["sst", "sts"])


def test_methods_of_other_tasks_stand_in_one_table() -> None:
    whole = row(SAME)._replace(figures={"overall": (0.5, 0.5), "sst": (0.6, 0.6)})
    table = figures_of([whole, row(SAME)])
    assert table["sst"].tolist() == ["0.6000, 0.6000", ""]
    assert "| M | 0.6000, 0.6000 |" in " ".join(markdown("Receipt", [Part(table=table)]).split())


@pytest.mark.parametrize(
    "dev, test, split",
    [
        ({"overall": 0.7, "sst": 0.6}, {"overall": 0.6, "sst": 0.5}, "test"),
        ({"sst": 0.6}, {"sst": 0.5}, "test"),  # of a method of one task
        ({"overall": 0.7, "sst": 0.6, "sts": 0.8}, {"sst": 0.5}, "dev"),
        ({"overall": 0.7, "sst": 0.6}, {}, "dev"),
    ],
)
def test_test_decides_where_it_has_the_labels_that_dev_has(
    dev: dict[str, float], test: dict[str, float], split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(results("evaluate", "m", 1) / "metrics.json", {"dev": dev, "test": test})
    assert rows.deciding([Run("m", 1)]) == split
