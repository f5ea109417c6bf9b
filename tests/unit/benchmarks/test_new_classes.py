"""New classes on vectors that are written here: six clear clusters, in the place of three domains and two signs."""

import numpy as np
import pytest

from benchmarks import new_classes
from benchmarks.fewshot import DOMAINS

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


def test_clear_classes_are_learned_from_two_examples() -> None:
    vectors, texts = clusters(0.01)
    rows = [*new_classes.few(vectors, texts, 2)]
    assert {(row["classifier"], row["shots"]) for row in rows} == {
        (name, shots) for name in ("prototypes", "logistic regression") for shots in new_classes.SHOTS
    }
    assert all(row["figure"] == 1 for row in rows)


def test_a_late_class_costs_the_old_ones_only_where_their_rows_are_gone() -> None:
    vectors, texts = clusters(0.3)
    found = {row["classifier"]: row for row in new_classes.later(vectors, texts, 1)}
    kept, gone = found["prototypes"], found["gradient steps, old rows gone"]
    assert kept["before"] > 0.9 and kept["after"] > kept["before"] - 0.05 and kept["new"] > 0.8
    assert gone["after"] < gone["before"] - 0.2  # forgotten
    assert kept["figure"] == pytest.approx((kept["after"] + kept["new"]) / 2)


def test_rows_of_a_draw_are_new_and_of_every_class() -> None:
    classes = np.arange(1500) % 6
    train, test = new_classes.halves(classes, 0)
    assert not {*train} & {*test} and not np.array_equal(train, new_classes.halves(classes, 1)[0])
    assert (np.bincount(classes[train]) == new_classes.KNOWN).all()
    assert (np.bincount(classes[test]) == new_classes.OLD_TESTED).all()


def test_the_comparisons_are_the_questions_and_paired_by_seed() -> None:
    """Of (d): leave_one_out minus concat_longer, 0.01 and 0.03 on two seeds: 0.02 ± 12.706 × 0.01."""
    figures = {
        ("leave_one_out", 1): 0.51,
        ("leave_one_out", 2): 0.63,
        ("concat_longer", 1): 0.5,
        ("concat_longer", 2): 0.6,
    }
    rows = [
        {"method": m, "seed": s, "what": "few", "classifier": "prototypes", "shots": 8, "figure": value}
        for (m, s), value in figures.items()
    ]
    lines = new_classes.table(rows, 2).splitlines()
    assert lines[2:] == ["| (d) | `leave_one_out` minus `concat_longer` | +0.020 | -0.107 to +0.147 |"]
    assert new_classes.table(rows[::2], 1).splitlines()[2].endswith("+0.010 | one seed |")
