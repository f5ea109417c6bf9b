"""Heads that are fitted at once: each equals scikit-learn's own; classes that no row has; what is refused."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from protomtl import params
from protomtl.core import sections
from protomtl.model.heads import build_heads, combine_pair
from protomtl.model.linear import ALPHAS
from protomtl.model.prototypes import pairwise_similarity
from protomtl.steps.finetune.closed_form import STRENGTH, Rows, fit_head
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import probabilities
from protomtl.training.settings import Finetune
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")
WIDTH = 4
FITS = ["lda", "prototypes", "logistic"]


def settings(fit: str, **more: object) -> Finetune:
    over = {"frozen": True, "fit": fit, "combine": "relation", "hidden": False, **more}
    return sections.settings_of_method("finetune", PARAMS.finetune, "x", over)


def rows(task: Task, seed: int, count: int = 80) -> Rows:
    random = np.random.default_rng(seed)
    low, high = task.bounds
    labels = random.integers(int(low), int(high) + 1, count).astype(np.float32)
    groups = [random.normal(size=(count, WIDTH)) + (0.4 if side else -0.4) * labels[:, None] for side in range(2)]
    return Rows(tuple(torch.tensor(x, dtype=torch.float32) for x in groups[: len(task.texts)]), labels)


def fitted(name: str, fit: str, train: Rows, **more: object) -> torch.nn.Module:
    task = PARAMS.tasks[name]
    head = build_heads({name: task}, WIDTH, settings(fit, **more))[name].eval()
    fit_head(head, name, task, fit, train, rows(task, 2))
    return head


def features(name: str, given: Rows) -> np.ndarray:
    pair = PARAMS.tasks[name].pair
    return np.asarray(combine_pair(*given.embeddings, "relation") if pair else given.embeddings[0])


@pytest.mark.parametrize("name", ["sst", "para"])
@pytest.mark.parametrize("fit", ["lda", "logistic"])
def test_classes_are_those_of_scikit_learn(name: str, fit: str) -> None:
    task, train, other = PARAMS.tasks[name], rows(PARAMS.tasks[name], 1), rows(PARAMS.tasks[name], 3)
    theirs = {
        "lda": LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH / 80, max_iter=1000)),
    }[fit].fit(features(name, train), train.labels)
    ours = probabilities(task, fitted(name, fit, train)(*other.embeddings)).detach()
    np.testing.assert_allclose(ours, theirs.predict_proba(features(name, other)), atol=1e-4)


def test_values_are_those_of_ridge_regression() -> None:
    train, other = rows(PARAMS.tasks["sts"], 1), rows(PARAMS.tasks["sts"], 3)
    theirs = RidgeCV(alphas=ALPHAS).fit(features("sts", train), train.labels)
    ours = fitted("sts", "lda", train)(*other.embeddings).detach()[:, 0]
    np.testing.assert_allclose(ours, theirs.predict(features("sts", other)), rtol=1e-3)


@pytest.mark.parametrize("name", ["sst", "para"])
def test_prototypes_differ_from_distances_by_prior_and_scale_alone(name: str) -> None:
    """The slow way: squared distances to the class means, times a number, plus the log of the classes' shares."""
    task, train, other = PARAMS.tasks[name], rows(PARAMS.tasks[name], 1), rows(PARAMS.tasks[name], 3)
    x, classes = torch.tensor(features(name, train)), np.unique(train.labels)
    means = torch.stack([x[train.labels == k].mean(0) for k in classes])
    near = pairwise_similarity(torch.tensor(features(name, other)), means, "squared_euclidean")
    prior = torch.tensor([(train.labels == k).mean() for k in classes]).log()
    ours = probabilities(task, fitted(name, "prototypes", train)(*other.embeddings)).detach().log()
    scales = ((ours - prior)[:, 1:] - (ours - prior)[:, :1]) / (near[:, 1:] - near[:, :1])
    torch.testing.assert_close(scales, scales.mean().expand_as(scales), rtol=1e-2, atol=1e-2)
    assert scales.mean() > 0


def test_a_value_that_is_read_as_classes_is_their_mean() -> None:
    train, other = rows(PARAMS.tasks["sts"], 1), rows(PARAMS.tasks["sts"], 3)
    head = fitted("sts", "prototypes", train, similarity="expected")
    likely = head.classes(*other.embeddings).softmax(1)
    assert likely.shape == (80, 6)
    torch.testing.assert_close(head(*other.embeddings)[:, 0], likely @ torch.arange(6.0))


@pytest.mark.parametrize("fit", FITS)
def test_a_class_without_a_row_is_never_predicted(fit: str) -> None:
    train = rows(PARAMS.tasks["sst"], 1)
    train = Rows(train.embeddings, np.where(train.labels > 1, 3, train.labels))
    assert (fitted("sst", fit, train)(*train.embeddings).argmax(1) != 2).all()
    two = Rows(train.embeddings, np.where(train.labels == 3, 3, 1).astype(np.float32))
    assert set(fitted("sst", fit, two)(*train.embeddings).argmax(1).tolist()) == {1, 3}


@pytest.mark.parametrize("fit", FITS)
def test_one_class_cannot_be_fitted(fit: str) -> None:
    train = rows(PARAMS.tasks["sst"], 1)
    with pytest.raises(SystemExit, match=f"tasks.sst: `fit: {fit}` cannot use its training rows: they have one class"):
        fitted("sst", fit, Rows(train.embeddings, np.zeros(80, np.float32)))


@pytest.mark.parametrize("fit", FITS)
def test_a_class_of_several_is_fitted_as_a_task_of_its_own(fit: str) -> None:
    task = Task.model_validate(
        {**PARAMS.tasks["sst"].model_dump(), "kind": "multilabel", "classes": 3, "ordered": False}
    )
    train = rows(PARAMS.tasks["sst"], 1)  # sets 0 to 4: class 0 is in 1 and 3, class 1 in 2 and 3, class 2 in 4
    head = build_heads({"sst": task}, WIDTH, settings(fit))["sst"].eval()
    fit_head(head, "sst", task, fit, train, rows(PARAMS.tasks["sst"], 2))
    para = PARAMS.tasks["para"].model_copy(update={"texts": ["sentence"]})
    alone = build_heads({"para": para}, WIDTH, settings(fit))["para"].eval()
    own, dev = (
        Rows(found.embeddings, task.what.members(task, found.labels)[:, 1].astype(np.float32))
        for found in (train, rows(PARAMS.tasks["sst"], 2))
    )
    fit_head(alone, "para", para, fit, own, dev)
    torch.testing.assert_close(head(*train.embeddings)[:, 1:2], alone(*train.embeddings))


def test_of_several_classes_one_that_all_rows_have_is_certain_and_one_that_none_has_impossible() -> None:
    task = Task.model_validate(
        {**PARAMS.tasks["sst"].model_dump(), "kind": "multilabel", "classes": 3, "ordered": False}
    )
    train = rows(PARAMS.tasks["sst"], 1)
    some = Rows(train.embeddings, np.where(train.labels > 2, 3, 1).astype(np.float32))  # class 0, here and there 1
    head = build_heads({"sst": task}, WIDTH, settings("lda"))["sst"].eval()
    fit_head(head, "sst", task, "lda", some, some)
    likely = probabilities(task, head(*train.embeddings))
    assert (likely[:, 0] == 1).all() and (likely[:, 2] == 0).all()
    assert ((likely[:, 1] > 0.5).numpy() == (some.labels == 3)).mean() > 0.8


def test_a_cosine_has_nothing_to_fit() -> None:
    train = rows(PARAMS.tasks["sts"], 1)
    head = fitted("sts", "lda", train, similarity="cosine")
    assert not [*head.parameters()] and head(*train.embeddings).shape == (80, 1)


@pytest.mark.parametrize("wrong", [{"frozen": False}, {"hidden": True}, {"pair_encoding": "joint"}])
def test_what_is_not_one_linear_layer_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SystemExit, match="fits one linear layer"):
        settings("lda", **wrong)
