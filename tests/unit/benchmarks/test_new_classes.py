"""New classes on vectors that are written here: six clear clusters, in the place of three domains and two signs."""

import numpy as np
import pytest

from benchmarks import new_classes
from benchmarks.fewshot import DOMAINS
from protomtl.core.runs import Run
from protomtl.publishing.questions import QUESTIONS, read
from protomtl.receipt import kept
from tests.support import ROOT

ROWS = 800  # of a domain
Texts = dict[str, tuple[list[str], np.ndarray]]


def clusters(noise: float) -> tuple[dict[str, np.ndarray], Texts]:
    """Vectors around a unit axis for each domain and sign."""
    random = np.random.default_rng(1)
    vectors: dict[str, np.ndarray] = {}
    texts: Texts = {}
    for k, domain in enumerate(DOMAINS):
        labels = np.arange(ROWS) % 2
        vectors[domain] = np.eye(6)[2 * k + labels] + noise * random.normal(size=(ROWS, 6))
        texts[domain] = [""] * ROWS, labels
    return vectors, texts


def nearest(examples: np.ndarray, labels: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """The class whose mean is the nearest, slowly."""
    classes = np.unique(labels)
    means = [examples[labels == label].mean(0) for label in classes]
    return np.array([classes[np.argmin([np.sqrt(((text - mean) ** 2).sum()) for mean in means])] for text in texts])


def test_clear_classes_are_learned_from_two_examples() -> None:
    vectors, texts = clusters(0.01)
    found = new_classes.few(vectors, texts, 2)
    assert {*found} == {(name, n) for name in ("prototypes", "logistic regression") for n in new_classes.SHOTS}
    assert all(right.shape == (2, len(DOMAINS) * new_classes.TESTED) and right.all() for right in found.values())


def test_eight_examples_by_the_nearest_mean_slowly() -> None:
    vectors, texts = clusters(0.5)
    slow = []
    for domain in DOMAINS:
        order = np.random.default_rng(1).permutation(ROWS)
        tested, rest = order[: new_classes.TESTED], order[new_classes.TESTED :]
        labels = texts[domain][1]
        picked = new_classes.support(labels, rest, 8, 1)
        assert not {*picked} & {*tested} and (np.bincount(labels[picked]) == 8).all()
        slow.append(
            (nearest(vectors[domain][picked], labels[picked], vectors[domain][tested]) == labels[tested]).mean()
        )
    found = new_classes.few(vectors, texts, 2)["prototypes", 8]
    assert found[1].mean() == pytest.approx(np.mean(slow)) and 0.6 < np.mean(slow) < 0.95


def test_a_late_class_by_the_nearest_mean_slowly() -> None:
    vectors, texts = clusters(0.5)
    whole = np.concatenate([vectors[domain] for domain in DOMAINS])
    classes = np.concatenate([2 * k + texts[domain][1] for k, domain in enumerate(DOMAINS)])
    train, test = new_classes.halves(classes, 1)
    late = 4
    rows = np.concatenate([train[classes[train] != late], train[classes[train] == late][:16]])
    right = nearest(whole[rows], classes[rows], whole[test]) == classes[test]
    old = classes[test] != late
    found = new_classes.later(vectors, texts, 2)["prototypes"]
    assert found.shape == (2, 6, 3) and found[1, late, 1:] == pytest.approx([right[old].mean(), right[~old].mean()])


def test_a_late_class_costs_the_old_ones_only_where_their_rows_are_gone() -> None:
    vectors, texts = clusters(0.3)
    found = new_classes.Found(new_classes.few(vectors, texts, 2), new_classes.later(vectors, texts, 2))
    rows = {row["classifier"]: row for row in found.rows() if row["what"] == "later"}
    kept, gone = rows["prototypes"], rows["gradient steps, old rows gone"]
    assert kept["before"] > 0.9 and kept["after"] > kept["before"] - 0.05 and kept["new"] > 0.8
    assert gone["after"] < gone["before"] - 0.2  # forgotten
    assert kept["figure"] == pytest.approx((kept["after"] + kept["new"]) / 2)
    figures = found.figures()
    assert figures["later"].shape == (2,) and figures["later"].mean() == pytest.approx(kept["figure"])
    few = [row["figure"] for row in found.rows() if (row["classifier"], row["shots"]) == ("prototypes", 8)]
    assert figures["few"].mean() == pytest.approx(few[0])


def test_rows_of_a_draw_are_new_and_of_every_class() -> None:
    classes = np.arange(1500) % 6
    train, test = new_classes.halves(classes, 0)
    assert not {*train} & {*test} and not np.array_equal(train, new_classes.halves(classes, 1)[0])
    assert (np.bincount(classes[train]) == new_classes.KNOWN).all()
    assert (np.bincount(classes[test]) == new_classes.OLD_TESTED).all()


def test_the_comparisons_are_the_questions_and_paired_by_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """Two seeds, of which the second has 0.02 more on each of three draws; what the run has not is told."""
    draws = np.array([0.5, 0.6, 0.7])
    figures = {
        Run(method, seed): {"few": draws + gain * seed, "later": draws}
        for method, gain in (("leave_one_out_64", 0.02), ("concat_longer", 0.0))
        for seed in (1, 2)
    }
    rows = new_classes.comparisons(read(ROOT / "docs" / QUESTIONS), figures)
    assert [(row["what"], row["method"], row["control"]) for row in rows] == [
        (what, "leave_one_out_64", "concat_longer") for what in ("few", "later")
    ]
    assert [rows[0][key] for key in ("difference", "error", "freedom")] == pytest.approx([0.03, 0.01, 1])
    assert new_classes.table(rows).splitlines()[2].endswith("| +0.030 | -0.097 to +0.157 |")  # 12.706 × 0.01
    assert capsys.readouterr().out.count("not compared, since the run has not both") == 3
    with pytest.raises(SystemExit, match="seeds: one alone"):
        new_classes.comparisons({}, {run: own for run, own in figures.items() if run.seed == 1})


def test_other_trainings_than_the_kept_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "docs/runs/trials"
    digests, wanted = kept.read(folder).digests, [Run(method, 1) for method in kept.read(folder).labels]
    monkeypatch.setattr(new_classes, "read_runs", lambda: wanted)
    own = {run: {path: d for path, d in digests.items() if f"/{run.method}/seed" in path} for run in wanted}
    monkeypatch.setattr(new_classes.here, "digests", own.__getitem__)
    assert new_classes.runs_of(folder) == wanted
    own[wanted[3]] = dict.fromkeys(own[wanted[3]], "another")
    with pytest.raises(SystemExit, match=f"{wanted[3].method}/seed1: not the training that .*trials keeps"):
        new_classes.runs_of(folder)
    monkeypatch.setattr(new_classes, "read_runs", lambda: wanted[1:])
    with pytest.raises(SystemExit, match=f"its {wanted[0].method} seed 1 is not in results"):
        new_classes.runs_of(folder)
