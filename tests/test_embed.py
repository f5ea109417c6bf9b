"""Figure 1 and the measures of the space: worked by hand, and against the rows and vectors they come from."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestCentroid

from protomtl import config, embed, projection, space
from protomtl.encoder import Encoder, embed_table
from protomtl.files import read_json
from protomtl.tokens import TokenTable

from .conftest import make_workdir, patch_params
from .steps import run_method, run_steps

MEASURES = ("majority", "linear_probe", "nearest_neighbours", "nearest_prototype")
# Embeddings of class 0, of class 1, and the accuracy of each of MEASURES on these very points.
SPACES = {
    # Far apart on a line: all see it. The larger class has 4 of 7.
    "two groups": ([[0], [1], [2], [3]], [[10], [11], [12]], (4 / 7, 1, 1, 1)),
    # One class on both sides of the other: no line between them, and both means are 0, so that all is class 0.
    "surrounded": ([[-2], [-1], [0], [1], [2]], [[-11], [-10], [-9], [9], [10], [11]], (6 / 11, 6 / 11, 1, 5 / 11)),
    # Beside each other; one far point, nearer to three of the others, moves its mean to (15.6, 0), away from four.
    "an outlier": (
        [[0, 0], [1, 0], [2, 0], [3, 0], [72, 0]],
        [[0, 9], [1, 9], [2, 9], [3, 9], [4, 9], [5, 9]],
        (6 / 11, 1, 10 / 11, 7 / 11),
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_accuracies_worked_by_hand(name: str) -> None:
    zero, one, expected = SPACES[name]
    points = np.array([*zero, *one], dtype=np.float32), np.array([0] * len(zero) + [1] * len(one))
    assert space.accuracies(points, points) == pytest.approx(dict(zip(MEASURES, expected, strict=True)))


def test_accuracies_are_of_dev_rows_by_what_training_rows_say() -> None:
    line = np.array([[0.0], [1.0], [10.0], [11.0], [12.0]], dtype=np.float32)
    train, dev = (line, np.array([0, 0, 1, 1, 1])), (line[1:3], np.array([1, 1]))
    # Of five rows the five nearest are all of them: their vote is the majority's.
    assert space.accuracies(train, dev) == {
        "majority": 1.0,
        "linear_probe": 0.5,
        "nearest_neighbours": 1.0,
        "nearest_prototype": 0.5,
    }


def by_tsne(vectors: np.ndarray, seed: int) -> np.ndarray:
    return projection.tsne(vectors, 5, seed)


@pytest.mark.parametrize("project", [by_tsne, projection.umap])
def test_a_projection_keeps_two_far_groups_apart(project: Callable[..., np.ndarray]) -> None:
    random = np.random.default_rng(0)
    group = np.arange(40) % 2
    flat = project(random.normal(size=(40, 8)).astype(np.float32) + 50 * group[:, None], 1)
    assert flat.shape == (40, 2)
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(1)] == group).all()


@pytest.mark.parametrize("project", [by_tsne, projection.umap])
def test_a_projection_is_the_same_each_time_even_of_the_fewest_samples(project: Callable[..., np.ndarray]) -> None:
    vectors = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    first = project(vectors, 1)
    assert np.isfinite(first).all()
    assert (project(vectors, 1) == first).all()


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A folder with two methods after pre-training, which one of them has not, and with Figure 1 of the other."""
    folder = make_workdir(tmp_path_factory.mktemp("pretrained"), tiny_backbone)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_steps("download", "backbone", "prepare", "tokenize")
        for method in ("prototypical_sum", "baseline"):
            run_method(method, "pretrain")
        patch_params(folder, {"embed": {"method": "prototypical_sum"}})
        run_steps("embed")
    return folder


@pytest.fixture
def folder(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(pretrained)
    return pretrained / "results/embed"


def whole(encoder: Encoder, name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of all rows, two texts added, and labels, similarity rounded."""
    table = TokenTable.open(Path("data/tokens"), name, split)
    vectors = sum(part.numpy() for part in embed_table(encoder, table, False, np.arange(len(table))))
    return vectors, np.floor(np.array(table.labels) + 0.5).astype(int)  # no label is negative


def test_points_are_the_same_dev_examples_in_every_panel(folder: Path) -> None:
    points = pd.read_csv(folder / "figure1.csv")
    assert len(points) == 3 * 2 * 2 * 20
    for (name, _), panels in points.groupby(["task", "when"]):
        labels = np.load(f"data/tokens/{name}/dev/labels.npy")
        for _, panel in panels.groupby("projection"):
            assert panel["row"].is_monotonic_increasing and panel["row"].is_unique
            assert panel["class"].tolist() == [int(labels[row] + 0.5) for row in panel["row"]]
    assert points.groupby("task")["row"].agg(lambda rows: len(set(rows))).tolist() == [20, 20, 20]


def test_measures_are_those_of_the_encoder_before_and_after(folder: Path) -> None:
    params, points = config.load(), pd.read_csv(folder / "figure1.csv")
    table = pd.read_csv(folder / "space.csv").set_index(["task", "when"])
    source = {"before": "data/backbone", "after": "results/pretrain/prototypical_sum/seed1/encoder"}
    for when, place in source.items():
        encoder = Encoder(Path(place), params.backbone.pooling, params.compute)
        for name in params.tasks:
            train, dev = whole(encoder, name, "train"), whole(encoder, name, "dev")
            rows = points.query("task == @name and when == @when and projection == 'UMAP'")["row"]
            row = table.loc[name, when]
            assert row["silhouette"] == pytest.approx(silhouette_score(dev[0][rows], dev[1][rows]), abs=1e-4)
            assert row["nearest_prototype"] == round(NearestCentroid().fit(*train).score(*dev), 4)
            assert row["majority"] == round((dev[1] == np.bincount(train[1]).argmax()).mean(), 4)


def test_the_measures_are_the_same_in_every_format(folder: Path) -> None:
    table, nested = pd.read_csv(folder / "space.csv"), read_json(folder / "space.json")
    lines = (folder / "space.md").read_text().splitlines()
    assert list(nested) == sorted(set(table["task"])) and len(table) == 6
    for row in table.to_dict("records"):
        task, when, *_ = row.pop("task"), row.pop("when")
        assert nested[task][when] == row
        assert f"| {task} | {when} | " + " | ".join(f"{v:.3f}" for v in row.values()) + " |" in lines


def test_without_pre_training_before_is_after(
    pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(pretrained, tmp_path / "p"))
    patch_params(Path(), {"embed": {"method": "baseline"}})
    run_steps("embed")
    table = pd.read_csv("results/embed/space.csv")
    before, after = (table[table["when"] == when].drop(columns="when") for when in ("before", "after"))
    assert before.to_dict("records") == after.to_dict("records")


def test_the_classifiers_get_no_more_rows_than_they_are_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def recorded(*parts: space.Labelled) -> dict[str, float]:
        sizes.extend(part.shape[0] for part in (*parts[0], *parts[1]))
        return {}

    monkeypatch.setattr(space, "accuracies", recorded)
    params = config.load()
    encoder = Encoder(Path("data/backbone"), "mean", params.compute)
    settings = params.embed.model_copy(update={"probe_samples": 30})
    embed.examine(encoder, "sst", params.tasks["sst"], settings, True)
    assert sizes == [30, 30, 24, 24]  # of 48 and 24 rows
