"""Comparisons of methods from predictions that are written here: what is paired, what is compared, what is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from protomtl import metrics, params
from protomtl.analysis import bootstrap, comparisons
from protomtl.analysis.predictions import read_predictions
from protomtl.core.runs import Run
from protomtl.seeds import generator
from protomtl.steps.tables.compared import comparisons_markdown
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")
TASKS = {name: PARAMS.tasks[name] for name in ("para", "sts")}
METHODS = ["concat", "prototypical", "cosine"]
SHARE_RIGHT = {"concat": 0.6, "prototypical": 0.9, "cosine": 0.6}
SIZES = {"para": 120, "sts": 80}


def write_predictions(method: str, seed: int, split: str, labels: bool = True) -> dict[str, float]:
    """Predictions of both tasks, as evaluation writes them: right on a share, else guessed; returns their figures."""
    figures = {}
    for name, task in TASKS.items():
        gold = generator(1, name).integers(2 if task.kind == "binary" else 6, size=SIZES[name])
        random = generator(2, method, seed, name)
        predicted = np.where(random.random(len(gold)) < SHARE_RIGHT[method], gold, random.permutation(gold))
        ids = [f"{name}{i}" for i in range(len(gold))]
        folder = Path(f"results/evaluate/{method}/seed{seed}/{split}")
        folder.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame({"id": ids, "gold": gold if labels else "", "prediction": predicted})
        table.to_csv(folder / f"{name}.csv", index=False)
        figures[name] = metrics.main_figure(task, gold, predicted)
    return {**figures, "overall": metrics.overall(TASKS, figures)}


def evaluate(seeds: list[int]) -> dict[str, pd.DataFrame]:
    runs = {method: [write_predictions(method, seed, "test") for seed in seeds] for method in METHODS}
    return {method: pd.DataFrame(figures, index=seeds) for method, figures in runs.items()}


def resampled_figures(methods: list[str], seeds: list[int]) -> comparisons.Resampled:
    runs = [Run(method, seed) for method in methods for seed in seeds]
    return comparisons.resampled_figures(read_predictions(runs, TASKS, "test"), TASKS, "test")


def compare(*given: Any) -> list[comparisons.Row]:
    return comparisons.compare(*given, SIZES | {"overall": min(SIZES.values())})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_resampled_figures_are_those_of_drawn_rows() -> None:
    """Against the metrics of evaluation, on the rows of the first resamples."""
    evaluate([1, 2])
    resampled = resampled_figures(METHODS, [1, 2])
    means = np.mean([resampled["para"], resampled["sts"]], axis=0)
    assert resampled["overall"] == pytest.approx(means)
    for name, task in TASKS.items():
        rows = generator(comparisons.SEED, "examples", "test", name).integers(
            SIZES[name], size=(5, SIZES[name]), dtype=np.int32
        )
        for m, method in enumerate(METHODS):
            for s, seed in enumerate([1, 2]):
                table = pd.read_csv(f"results/evaluate/{method}/seed{seed}/test/{name}.csv")
                gold, predicted = table["gold"].to_numpy(), table["prediction"].to_numpy()
                slow = [metrics.main_figure(task, gold[r], predicted[r]) for r in rows]
                assert resampled[name][:5, m, s] == pytest.approx(slow)


def test_the_resamples_of_a_method_do_not_depend_on_which_others_are_run() -> None:
    evaluate([1])
    all_three = resampled_figures(METHODS, [1])
    alone = resampled_figures(["cosine"], [1])
    assert all(alone[figure] == pytest.approx(all_three[figure][:, [2]]) for figure in alone)


def test_every_other_method_is_compared_on_every_figure() -> None:
    runs = evaluate([1, 2, 3])
    resampled = resampled_figures(METHODS, [1, 2, 3])
    rows = pd.DataFrame(compare(runs, resampled, TASKS, ["concat", "cosine"], "test", 0.05))
    assert tuple(rows) == comparisons.COLUMNS and set(rows["split"]) == {"test"}
    assert len(rows) == 2 * 3 * 2 == len(rows.value_counts(["reference", "figure", "method"]))
    assert not (rows["method"] == rows["reference"]).any()
    found = rows.set_index(["reference", "figure", "method"])
    for (reference, figure, method), row in found.iterrows():
        expected = runs[method][figure].mean() - runs[reference][figure].mean()
        assert row["difference"] == pytest.approx(expected, abs=6e-5)
        assert row["low"] < row["difference"] < row["high"] and row["p"] <= row["p_holm"]
    assert found.loc[("concat", "overall", "prototypical"), "p_holm"] < 0.01  # 0.9 right against 0.6
    assert found.loc[("concat", "overall", "prototypical"), "low"] > 0
    assert found.loc[("concat", "overall", "cosine"), "low"] < 0 < found.loc[("concat", "overall", "cosine"), "high"]


def test_a_family_is_one_split_one_reference_and_one_figure() -> None:
    runs = evaluate([1])
    resampled = resampled_figures(METHODS, [1])
    rows = pd.DataFrame(compare(runs, resampled, TASKS, ["concat", "cosine"], "test", 0.05))
    for _, family in rows.groupby(["reference", "figure"]):
        assert family["p_holm"].to_numpy() == pytest.approx(bootstrap.holm(family["p"].to_numpy()), abs=2e-4)
        assert (family["family"] == len(family)).all()


def test_what_is_said_beside_a_difference() -> None:
    """Equal, detectable, better training: the small functions on the same resamples."""
    runs, seeds = evaluate([1, 2, 3]), [1, 2, 3]
    resampled = resampled_figures(METHODS, seeds)
    rows = pd.DataFrame(compare(runs, resampled, TASKS, ["concat"], "test", 0.05))
    row = rows.set_index(["figure", "method"]).loc[("overall", "cosine")]
    counts = bootstrap.draw_counts(generator(comparisons.SEED, "seeds"), bootstrap.RESAMPLES, 3)
    differences = bootstrap.paired_differences(resampled["overall"], 0, counts)
    assert row["p_equal"] == pytest.approx(bootstrap.holm(bootstrap.equal_p(differences, 0.05, 80))[1], abs=1e-4)
    assert row["detectable"] == pytest.approx(bootstrap.detectable(differences, 2)[1], abs=1e-4)
    pairs = [a > b for a in runs["cosine"]["overall"] for b in runs["concat"]["overall"]]
    assert row["improvement"] == pytest.approx(np.mean(pairs), abs=1e-4)
    assert row["improvement_low"] <= row["improvement"] <= row["improvement_high"] and row["margin"] == 0.05


def test_one_seed_tells_nothing_of_another_training() -> None:
    rows = pd.DataFrame(compare(evaluate([1]), resampled_figures(METHODS, [1]), TASKS, ["concat"], "dev", 0.05))
    assert rows[["improvement", "improvement_low", "improvement_high"]].isna().all(axis=None)


def test_a_figure_on_the_scale_of_its_labels_has_no_margin() -> None:
    """A root mean squared error is not equal within 0.01, and less of it is better."""
    tasks = {"para": TASKS["para"], "sts": TASKS["sts"].model_copy(update={"metric": "rmse"})}
    values = generator(3, "test").random((bootstrap.RESAMPLES, 2, 1))
    runs = {"concat": pd.DataFrame({"sts": [0.3]}), "cosine": pd.DataFrame({"sts": [0.2]})}
    (row,) = compare(runs, {"sts": values}, tasks, ["concat"], "dev", 0.01)
    assert row["difference"] == pytest.approx(0.1) and np.isnan(row["p_equal"]) and np.isnan(row["margin"])


def test_without_labels_there_is_nothing_to_compare() -> None:
    for method in METHODS:
        write_predictions(method, 1, "test", labels=False)
    assert resampled_figures(METHODS, [1]) == {}


def test_with_labels_of_some_tasks_there_is_no_overall() -> None:
    evaluate([1])
    for path in Path().glob("results/evaluate/*/seed1/test/sts.csv"):
        pd.read_csv(path).assign(gold="").to_csv(path, index=False)
    assert set(resampled_figures(METHODS, [1])) == {"para"}


def test_where_no_method_has_all_tasks_there_is_no_overall_to_compare() -> None:
    """One has trained `para`, the other `sts`: neither has an `overall`, nor a task beside the other."""
    evaluate([1])
    Path("results/evaluate/concat/seed1/test/sts.csv").unlink()
    Path("results/evaluate/cosine/seed1/test/para.csv").unlink()
    resampled = resampled_figures(["concat", "cosine"], [1])
    runs = {
        "concat": pd.DataFrame({"para": [0.6], "sts": [np.nan]}),
        "cosine": pd.DataFrame({"para": [np.nan], "sts": [0.3]}),
    }
    assert compare(runs, resampled, TASKS, ["concat"], "test", 0.05) == []


def test_predictions_of_other_examples_are_not_paired() -> None:
    evaluate([1])
    path = Path("results/evaluate/cosine/seed1/test/sts.csv")
    path.write_text(path.read_text().replace("sts7,", "sts007,"))
    with pytest.raises(
        SystemExit, match=r"results/evaluate/cosine/seed1: not the examples of .*concat/seed1; evaluate both again"
    ):
        resampled_figures(METHODS, [1])


def test_a_comparison_is_read_in_one_line() -> None:
    numbers = {"difference": 0.0123, "low": -0.004, "high": 0.0301, "p": 0.043, "p_holm": 0.127}
    numbers |= {"margin": 0.01, "p_equal": 0.61, "detectable": 0.024, "family": 3, "undefined": 0}
    numbers |= {"improvement": 0.75, "improvement_low": 0.5, "improvement_high": 1.0}
    names = {"split": "dev", "method": "prototypical", "reference": "concat"}
    rows = [{**names, "figure": figure, **numbers} for figure in ("para", "overall")]
    text = comparisons_markdown(pd.DataFrame(rows), PARAMS.method, TASKS, [1])
    assert "## dev: minus Concatenation before encoding" in text
    start = "| Prototypical pre-trained | +0.012 | -0.004 to +0.030 | 0.043 | 0.127 | 0.610 | not shown | 0.024 |"
    assert f"{start} +0.012 (0.127) | n/a |" in text.splitlines()
    two = comparisons_markdown(pd.DataFrame(rows), PARAMS.method, TASKS, [1, 2])
    assert f"{start} 0.75 (0.50 to 1.00) | +0.012 (0.127) | n/a |" in two.splitlines()
    assert "one seed" in text and "one seed" not in two
    assert "corrected over the rows of a table, 3 at most" in text and "a difference of 0.01 is excluded" in text


def test_what_is_not_defined_is_not_compared() -> None:
    runs = evaluate([1, 2])
    runs["cosine"].loc[2, "sts"] = np.nan
    found = pd.DataFrame(compare(runs, resampled_figures(METHODS, [1, 2]), TASKS, ["concat"], "dev", 0.05))
    assert ("cosine", "sts") not in {*zip(found["method"], found["figure"], strict=True)}
    assert ("cosine", "para") in {*zip(found["method"], found["figure"], strict=True)}
    runs["concat"]["sts"] = np.nan
    rows = compare(runs, resampled_figures(METHODS, [1, 2]), TASKS, ["concat"], "dev", 0.05)
    assert "sts" not in {row["figure"] for row in rows}


def test_resamples_that_lack_a_figure_are_left_out_and_counted() -> None:
    """Of `sts`, 7 of the 20,000 for one method; for the other so many that nothing can be said."""
    runs = evaluate([1])
    resampled = resampled_figures(METHODS, [1])
    drawn = resampled["sts"].copy()
    drawn[:7, METHODS.index("prototypical")] = drawn[:1001, METHODS.index("cosine")] = np.nan
    rows = compare(runs, resampled | {"sts": drawn}, TASKS, ["concat"], "test", 0.05)
    found = {(row["method"], row["figure"]): row for row in rows}
    assert ("cosine", "sts") not in found and found["prototypical", "para"]["undefined"] == 0
    row = found["prototypical", "sts"]
    left = (drawn[7:, 1] - drawn[7:, 0])[:, 0]
    assert [row["low"], row["high"]] == pytest.approx(np.percentile(left, [2.5, 97.5]), abs=1e-4)
    text = comparisons_markdown(pd.DataFrame(rows), PARAMS.method, TASKS, [1])
    assert "Resamples on which a figure is not defined are left out: 7 at most." in text
    assert "or not on 95 % of the resamples" in text and "0 at most" not in text


def test_no_reference_no_comparison() -> None:
    runs = evaluate([1])
    resampled = resampled_figures(METHODS, [1])
    assert compare(runs, resampled, TASKS, [], "test", 0.05) == []
    alone = {"concat": runs["concat"]}
    resampled = resampled_figures(["concat"], [1])
    assert compare(alone, resampled, TASKS, ["concat"], "test", 0.05) == []
    assert comparisons_markdown(pd.DataFrame(), PARAMS.method, TASKS, [1]).startswith("No comparisons")
