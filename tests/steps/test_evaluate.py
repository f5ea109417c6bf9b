"""Predictions, confusion matrices, submissions and tables against each other."""

import csv
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from scipy.special import log_softmax, softmax
from sklearn.neighbors import NearestCentroid

from protomtl import params
from protomtl.analysis import comparisons
from protomtl.analysis.predictions import read_predictions
from protomtl.core import runner
from protomtl.core.files import digest_folder, read_json
from protomtl.core.runs import Run
from protomtl.metrics import accuracy, pearson
from protomtl.model import readout
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import Encoder, embed_table
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.tasks.settings import Task
from protomtl.training import timing
from tests.support import ROOT
from tests.support.makers import make_workdir, patch_params
from tests.support.steps import UNTRAINED, run_all, run_method, run_steps

TASKS = params.load(ROOT / "params.yaml").tasks


@pytest.fixture(scope="module")
def three_methods(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A finished run of three methods; its tests only read it."""
    folder = make_workdir(tmp_path_factory.mktemp("evaluated"), tiny_backbone)
    patch_params(folder, {"methods": ["baseline", "prototypical", "cosine"], "compare": ["baseline", "concat"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_all()
    return folder


@pytest.fixture
def evaluated(three_methods: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(three_methods)
    return three_methods


def predictions(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def test_tables_predictions_and_metrics_agree(evaluated: Path) -> None:
    for number, split in ((1, "dev"), (2, "test")):
        table = pd.read_csv(f"results/tables/table{number}.csv").set_index("method")
        for method in ("baseline", "prototypical", "cosine"):
            folder = Path(f"results/evaluate/{method}/seed1")
            stored = read_json(folder / "metrics.json")[split]
            recomputed = {}
            for name, task in TASKS.items():
                rows = predictions(folder / split / f"{name}.csv")
                gold, predicted = (np.array(rows[c], dtype=float) for c in ("gold", "prediction"))
                if task.kind == "regression":
                    recomputed[name] = stats.pearsonr(gold, predicted).statistic
                else:
                    recomputed[name] = (gold == predicted).mean()
                    scores = np.array([[float(v) for v in rows[f"score_{k}"]] for k in range(task.number_of_classes)])
                    assert (scores.argmax(0) == predicted).all() and scores.sum(0) == pytest.approx(1, abs=1e-5)
                    confusion = pd.read_csv(folder / split / f"{name}-confusion.csv", index_col="gold")
                    assert tuple(confusion.index) == task.class_names
                    assert list(confusion) == [f"predicted_{label}" for label in task.class_names]
                    matrix = confusion.to_numpy()
                    assert matrix.sum() == len(gold) and np.trace(matrix) / matrix.sum() == pytest.approx(
                        recomputed[name]
                    )
            rescaled = recomputed | {"sts": (recomputed["sts"] + 1) / 2}
            for figure, values in (("overall_rescaled", rescaled), ("overall", recomputed)):
                recomputed[figure] = np.mean([values[name] for name in TASKS])
            for figure, value in recomputed.items():
                assert stored[figure] == pytest.approx(value, abs=1e-5)
                assert table.loc[method, figure] == pytest.approx(value, abs=6e-5)


def trained(method: str) -> tuple[MultiTaskModel, dict[str, Task]]:
    """What fine-tuning left."""
    folder = Path(f"results/finetune/{method}/seed1")
    return trained_model(folder, folder / "encoder", read_json(folder / "config.json"))


@pytest.mark.parametrize("method", ["baseline", "prototypical", "cosine"])
def test_prototypes_with_prior_and_scale_predict_beside_the_head(method: str, evaluated: Path) -> None:
    """By hand: log π - τ d of class means; of pairs that are encoded apart, of what relates them."""
    model, tasks = trained(method)
    distance = {"prototypical": "euclidean"}.get(method, "squared_euclidean")
    stored = read_json(Path(f"results/evaluate/{method}/seed1/metrics.json"))
    found = readout.load(Path(f"results/evaluate/{method}/seed1/readout.safetensors"), tasks)
    for name in tasks:
        vectors, labels = {}, {}
        for split in ("train", "test"):
            table = TokenTable.open(Path("data/tokens"), name, split)
            parts = [part.numpy() for part in model.embed(table, np.arange(len(table)))]
            if len(parts) == 2:
                u, v = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts)
                parts = [np.hstack([abs(u - v), u * v])]
            vectors[split], labels[split] = parts[0], np.floor(np.array(table.labels) + 0.5).astype(int)
        present, counts = np.unique(labels["train"], return_counts=True)
        means = np.stack([vectors["train"][labels["train"] == k].mean(0) for k in present])
        far = ((vectors["test"][:, None] - means) ** 2).sum(2) ** (0.5 if distance == "euclidean" else 1)
        assert found[name].distance == distance
        likely = softmax(np.log(counts / counts.sum()) - found[name].scale * far, axis=1)
        by_hand = likely @ present if name == "sts" else present[likely.argmax(1)]
        rows = predictions(Path(f"results/evaluate/{method}/seed1/test/{name}.csv"))
        assert np.allclose(np.array(rows["readout"], dtype=float), by_hand, atol=1e-3)
        gold = np.array(rows["gold"], dtype=float)
        figure = pearson(gold, by_hand) if name == "sts" else accuracy(gold, by_hand)
        assert stored["test"][f"{name}_readout"] == pytest.approx(figure, abs=1e-3)


@pytest.mark.parametrize("method", ["baseline", "prototypical", "cosine"])
def test_the_nearest_prototype_predicts_beside_the_head(method: str, evaluated: Path) -> None:
    """Frozen, pairs as one sequence, pairs apart; all training rows are fewer than the prototypes may have."""
    model, _ = trained(method)
    stored = read_json(Path(f"results/evaluate/{method}/seed1/metrics.json"))
    for name in ("sst", "para"):
        embedded, labels = {}, {}
        for split in ("train", "dev", "test"):
            table = TokenTable.open(Path("data/tokens"), name, split)
            parts = model.embed(table, np.arange(len(table)))
            embedded[split], labels[split] = sum(part.numpy() for part in parts), np.array(table.labels, dtype=int)
        centroids = NearestCentroid().fit(embedded["train"], labels["train"])
        for split in ("dev", "test"):
            rows = predictions(Path(f"results/evaluate/{method}/seed1/{split}/{name}.csv"))
            scores = np.array([rows[c] for c in rows if c.startswith("nearest_")], dtype=float)
            assert list(rows)[-len(scores) - 1] == "nearest"
            distances = np.linalg.norm(embedded[split][None] - centroids.centroids_[:, None], axis=2)
            assert scores == pytest.approx(softmax(-distances, axis=0), abs=2e-6)
            assert [int(v) for v in rows["nearest"]] == centroids.predict(embedded[split]).tolist()
            right = np.mean([a == b for a, b in zip(rows["nearest"], rows["gold"], strict=True)])
            assert stored[split][f"{name}_nearest"] == pytest.approx(right, abs=1e-6)
    assert "sts_nearest" not in stored["dev"]
    assert "nearest" not in predictions(Path(f"results/evaluate/{method}/seed1/dev/sts.csv"))


def test_prototypes_predict_straight_after_phase_1_in_the_distance_that_was_trained(evaluated: Path) -> None:
    """By numpy, of pairs as one sequence; τ is looked for on a grid."""
    encoder = Encoder(Path("results/pretrain/prototypical/seed1/encoder"), "mean", params.load().compute)
    stored = read_json(Path("results/evaluate/prototypical/seed1/metrics.json"))
    for name in TASKS:
        x, y = {}, {}
        for split in ("train", "dev", "test"):
            table = TokenTable.open(Path("data/tokens"), name, split)
            x[split] = embed_table(encoder, table, True, np.arange(len(table)))[0].double().numpy()
            y[split] = np.floor(np.array(table.labels, float) + 0.5).astype(int)
        present, counts = np.unique(y["train"], return_counts=True)
        means, prior = np.stack([x["train"][y["train"] == k].mean(0) for k in present]), np.log(counts / counts.sum())
        far = {split: np.linalg.norm(x[split][:, None] - means, axis=2) for split in ("dev", "test")}
        known = np.isin(y["dev"], present)
        place = np.searchsorted(present, y["dev"][known])[:, None]
        costs = {
            scale: -np.take_along_axis(log_softmax(prior - scale * far["dev"][known], axis=1), place, 1).mean()
            for scale in np.exp(np.linspace(-14, 14, 3000))
        }
        scale = min(costs, key=lambda s: costs[s])
        for split in ("dev", "test"):
            gold = np.array(TokenTable.open(Path("data/tokens"), name, split).labels, float)
            likely = softmax(prior - scale * far[split], axis=1)
            by_hand = pearson(gold, likely @ present) if name == "sts" else accuracy(gold, present[likely.argmax(1)])
            assert stored[split][f"{name}_first"] == pytest.approx(by_hand, abs=2e-3)
            if name != "sts":
                nearest = accuracy(gold, present[far[split].argmin(1)])
                assert stored[split][f"{name}_first_nearest"] == pytest.approx(nearest, abs=1e-6)
    assert "sts_first_nearest" not in stored["dev"]
    for method in ("baseline", "cosine"):  # without a first phase
        assert "sst_first" not in read_json(Path(f"results/evaluate/{method}/seed1/metrics.json"))["dev"]
    table = pd.read_csv("results/tables/table1.csv").set_index("method")
    assert table.loc["prototypical", "sst_first"] == pytest.approx(stored["dev"]["sst_first"], abs=6e-5)
    assert "| straight after phase 1 (sst, para, sts) |" in Path("results/tables/table1.md").read_text()


def test_the_evaluation_needs_no_encoder_of_phase_1(
    evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phase 1 has said what prototypes say of its encoder: after another fine-tuning it is not encoded by again."""
    copy = Path(shutil.copytree(evaluated, tmp_path / "copy"))
    monkeypatch.chdir(copy)
    before = digest_folder(copy / "results/evaluate/prototypical/seed1")
    shutil.rmtree(copy / "results/pretrain/prototypical/seed1/encoder")
    run_method("prototypical", "evaluate")
    assert digest_folder(copy / "results/evaluate/prototypical/seed1") == before


def test_prototypes_are_of_some_training_rows_only(evaluated: Path) -> None:
    model, tasks = trained("cosine")
    some = partial(model.class_examples, "sst", tasks["sst"], most=10)
    embeddings, classes = some(seed=1)
    assert embeddings.shape == (10, 32) and classes.shape == (10,)
    assert torch.equal(embeddings, some(seed=1)[0])
    assert not torch.equal(embeddings, some(seed=2)[0])


def test_tables_show_the_accuracy_of_the_nearest_prototype(evaluated: Path) -> None:
    for number, split in ((1, "dev"), (2, "test")):
        row = pd.read_csv(f"results/tables/table{number}.csv").set_index("method").loc["cosine"]
        stored = read_json(Path("results/evaluate/cosine/seed1/metrics.json"))[split]
        for name in ("sst", "para"):
            assert row[f"{name}_nearest"] == pytest.approx(stored[f"{name}_nearest"], abs=6e-5)
        lines = Path(f"results/tables/table{number}.md").read_text().splitlines()
        column = lines[2].split(" | ").index("nearest prototype (sst, para)")
        line = next(line for line in lines if line.startswith("| Cosine similarity STS |"))
        assert line.split(" | ")[column] == f"{row['sst_nearest']:.3f}, {row['para_nearest']:.3f}"


def test_tables_show_ours_the_papers_and_the_difference(evaluated: Path) -> None:
    table = pd.read_csv("results/tables/table1.csv").set_index("method")
    row = table.loc["prototypical"]
    assert (row["sst_paper"], row["para_paper"], row["sts_paper"], row["overall_paper"]) == (0.490, 0.825, 0.857, 0.724)
    assert row["overall_difference"] == pytest.approx(row["overall"] - 0.724, abs=1e-4)
    text = Path("results/tables/table1.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("| Prototypical pre-trained |"))
    interval = rf"{row['overall_low']:.3f} to {row['overall_high']:.3f}"
    assert re.search(rf"{row['overall']:.3f} \(0\.724; [+-]0\.\d\d\d\) \| {interval} \|", line)
    assert "best dev overall" in text
    second = pd.read_csv("results/tables/table2.csv").set_index("method")
    assert second.loc["prototypical", "overall_paper"] == 0.728 and np.isnan(second.loc["cosine", "overall_paper"])


def test_intervals_are_of_the_resampled_predictions(evaluated: Path) -> None:
    runs = [Run(method, 1) for method in ("baseline", "prototypical", "cosine")]
    predictions = read_predictions(runs, TASKS, "test")
    resampled = comparisons.resampled_figures(predictions, TASKS, "test")
    table = pd.read_csv("results/tables/table2.csv")
    for figure in (*TASKS, "overall"):
        expected = np.nanpercentile(resampled[figure][:, :, 0], [2.5, 97.5], axis=0)
        found = table[[f"{figure}_low", f"{figure}_high"]].to_numpy().T
        assert found == pytest.approx(expected, abs=6e-5)


def test_methods_are_compared_with_those_references_that_are_run(evaluated: Path) -> None:
    """`compare` names concat too, which is not among `methods` here."""
    rows = pd.read_csv("results/tables/comparisons.csv")
    assert set(rows["reference"]) == {"baseline"} and set(rows["method"]) == {"prototypical", "cosine"}
    for number, split in ((1, "dev"), (2, "test")):
        table = pd.read_csv(f"results/tables/table{number}.csv").set_index("method")
        found = rows[rows["split"] == split].set_index(["figure", "method"])
        for figure in (*TASKS, "overall"):
            expected = table.loc[["prototypical", "cosine"], figure] - table.loc["baseline", figure]
            assert found.loc[figure, "difference"].to_numpy() == pytest.approx(expected, abs=2e-4)
    text = Path("results/tables/comparisons.md").read_text()
    assert "## dev: minus Baseline (frozen)" in text and "## test: minus Baseline (frozen)" in text


def test_a_reference_that_is_no_method_is_an_error(workdir: Path) -> None:
    patch_params(workdir, {"compare": ["basline"]})
    with pytest.raises(SystemExit, match=r"params\.yaml: compare: basline: there is no block method\.basline"):
        runner.run("tables")


def test_the_checkpoint_of_the_best_dev_epoch_is_the_one_evaluated(evaluated: Path) -> None:
    for method in ("baseline", "prototypical", "cosine"):
        curve = pd.read_csv(f"results/curves/dev/{method}/seed1/curve.csv")
        best = read_json(Path(f"results/finetune/{method}/seed1/config.json"))["best_epoch"]
        stored = read_json(Path(f"results/evaluate/{method}/seed1/metrics.json"))["dev"]["overall"]
        assert best == curve["epoch"][curve["overall"].idxmax()]
        assert stored == pytest.approx(curve["overall"].max(), abs=2e-6)


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_last_validation_leaves_its_vectors_and_the_bytes_are_the_same_without(
    epochs: int, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch_params(workdir, {"finetune": {"epochs": epochs, "averaging": 0.5}})
    run_steps(*UNTRAINED)
    encoded, encode = [], MultiTaskModel.encoded
    monkeypatch.setattr(
        MultiTaskModel, "encoded", lambda model, table: encoded.append(table.split) or encode(model, table)
    )
    run_method("cosine", "pretrain", "finetune", "evaluate")
    last = read_json(Path("results/finetune/cosine/seed1/config.json"))["best_epoch"] == epochs
    assert encoded == (["test"] * 3 if last else ["dev", "dev", "dev", "test", "test", "test"])
    with_left = digest_folder(Path("results/evaluate"))
    assert not [*Path(".state/vectors").rglob("*.safetensors")]  # nothing is left for good
    run_method("cosine", "evaluate")
    assert encoded[-6:] == ["dev", "dev", "dev", "test", "test", "test"]
    assert digest_folder(Path("results/evaluate")) == with_left


def test_figures_and_tables_are_the_same_bytes_when_made_again(evaluated: Path) -> None:
    """Of PNG too: where both engines make them (tests/pipeline/test_engines.py)."""
    from protomtl.core.files import digest_folder

    folders = [Path("results/embed"), Path("results/figures"), Path("results/tables")]
    before = [digest_folder(folder) for folder in folders]
    run_steps("embed", "collect", "tables", "figures")
    assert [digest_folder(folder) for folder in folders] == before


@pytest.mark.usefixtures("whole_pictures")
def test_figures_are_written_as_png_and_svg(evaluated: Path) -> None:
    run_steps("embed", "figures")
    for name in ("embed/figure1", "embed/figure1-umap", "figures/curves", "figures/table1", "figures/differences"):
        assert Path(f"results/{name}.png").stat().st_size > 1000
        assert Path(f"results/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in Path(f"results/{name}.svg").read_text()


def test_seeds_give_mean_and_standard_deviation(workdir: Path) -> None:
    patch_params(
        workdir, {"methods": ["concat"], "seeds": [1, 2], "embed": {"method": "concat"}, "export": {"method": "concat"}}
    )
    run_steps(*UNTRAINED)
    for seed in (1, 2):
        run_method("concat", seed=seed)
    run_steps("collect", "tables")
    both = [read_json(Path(f"results/evaluate/concat/seed{s}/metrics.json"))["dev"]["sts"] for s in (1, 2)]
    row = pd.read_csv("results/tables/table1.csv").iloc[0]
    assert row["sts"] == pytest.approx(np.mean(both), abs=1e-4)
    assert row["sts_sd"] == pytest.approx(abs(both[0] - both[1]) / np.sqrt(2), abs=1e-4)
    assert " ± " in Path("results/tables/table1.md").read_text()


def test_without_test_labels_there_are_predictions_in_the_courses_format_only(workdir: Path) -> None:
    for name in ("ids-sst", "quora", "sts"):
        path = workdir / f"data/own/{name}-test.csv"
        path.write_text("\n".join(line.rsplit("\t", 1)[0] for line in path.read_text().splitlines()) + "\n")
    patch_params(workdir, {"methods": ["concat"], "embed": {"method": "concat"}, "export": {"method": "concat"}})
    run_steps(*UNTRAINED)
    run_method("concat")
    run_steps("collect", "tables")  # of the other steps test_report.py has it
    folder = Path("results/evaluate/concat/seed1")
    assert read_json(folder / "metrics.json")["test"] == {}
    lines = (folder / "test/sst-test-output.csv").read_text().splitlines()
    assert lines[0] == "id \t Predicted_Sentiment " and re.fullmatch(r"mtest0 , [0-4] ", lines[1])
    assert (folder / "test/sts-test-output.csv").read_text().startswith("id \t Predicted_Similiary \n")
    assert not (folder / "test/sst-confusion.csv").exists()
    assert pd.read_csv(folder / "test/sst.csv")["nearest"].between(0, 4).all()  # predicted, with nothing to compare
    second = Path("results/tables/table2.md").read_text()
    assert "no labels" in second and "earest prototype" not in second
    assert pd.read_csv("results/tables/table2.csv")[["sst_low", "overall_high"]].isna().all(axis=None)


def test_a_step_before_its_time_names_what_is_missing(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from protomtl import cli

    monkeypatch.setattr("sys.argv", ["protomtl", "finetune", "--method", "concat", "--seed", "7"])
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main()
    assert capsys.readouterr().err.startswith("results/pretrain/concat/seed7/start.json: not there; run the step")


def test_a_run_without_tables_has_no_summary_yet(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from protomtl.commands import summary

    summary.show()  # after `snakemake results/finetune/…`, say: no error
    assert "results/tables: not there yet" in capsys.readouterr().out and not Path("results").exists()


def test_the_summary_shows_table_times_and_places(evaluated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from protomtl.commands import summary

    (evaluated / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    summary.show()
    shown = capsys.readouterr().out
    assert "Prototypical pre-trained" in shown and "(0.724)" in shown and "results/finetune/" in shown
    assert Path("results/summary/figure2.png").exists()
    for name in ("table1", "table2"):
        assert (pd.read_csv(f"results/summary/{name}.csv")["seconds"] >= 0).all()
        assert "| seconds |" in Path(f"results/summary/{name}.md").read_text()


def test_seconds_are_those_of_the_result_that_is_here(evaluated: Path) -> None:
    """DVC brings other versions of a result back; their times must not be mixed up."""
    curve = evaluated / "results/curves/train/prototypical/seed1/curve.csv"
    first = curve.read_text()
    timing.write("finetune", "prototypical", 1, 10.04)
    curve.write_text("another run's losses")
    assert timing.read("finetune", "prototypical", 1) is None
    timing.write("finetune", "prototypical", 1, 20)
    assert timing.read("finetune", "prototypical", 1) == 20
    curve.write_text(first)
    assert timing.read("finetune", "prototypical", 1) == 10.0


def test_a_training_too_short_to_measure_took_no_seconds(evaluated: Path) -> None:
    from protomtl.commands import summary

    timing.write("finetune", "cosine", 1, 0.04)
    assert summary.seconds(["cosine"], [1]) == "0"
    assert summary.seconds(["cosine"], [2]) == "-"


def test_a_stage_sees_no_parameters_but_those_that_it_is_given(workdir: Path) -> None:
    """Everything a stage has no business with may be wrong, and it runs."""
    run_steps("download", "backbone")
    patch_params(workdir, {"finetune": {"lr": "nonsense"}, "method": {"cosine": "nonsense"}})
    runner.run("prepare")
    with pytest.raises(SystemExit, match=r"finetune\.lr"):
        run_method("concat", "finetune")
