"""Heads that need no training: on the vectors of a frozen encoder their linear layers are fitted at once.

Classes: `lda`, linear discriminant analysis with a shrunken covariance (Ledoit and Wolf 2004); `prototypes`, the
nearest class mean with prior and scale (model/readout.py); `logistic`, logistic regression. Values: ridge regression,
or where the head reads them as classes (`similarity: expected`) the mean of the classes. A cosine has nothing to fit.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from protomtl.core.markdown import in_a_line
from protomtl.core.paths import TOKENS
from protomtl.model import readout
from protomtl.model.heads import ExpectedHead, attribute
from protomtl.model.linear import Linear, lda, of_all_classes, ridge
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.seeds import some_rows
from protomtl.steps.finetune.validation import validation
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices, task_loss
from protomtl.training import loop
from protomtl.training.curves import Curves
from protomtl.training.settings import Finetune

# Of the fit against |w|²/2 on standardised features, per row: chosen on dev (docs/reference/methods.md).
STRENGTH = 10.0

STARTED_ON = 10_000  # rows that heads begin with
RARE = 30.0  # size of a bias at the start, in the place of an infinite one


class Rows(NamedTuple):
    """Embeddings, [n, width] of each sequence group, and labels [n] of one split of a task."""

    embeddings: tuple[Tensor, ...]
    labels: np.ndarray


def fit_at_once(
    model: MultiTaskModel, tasks: dict[str, Task], settings: Finetune, method: str, seed: int
) -> loop.Result:
    """Fit the heads in closed form on the vectors of all training rows; the curves have the one point of no step."""

    def rows(name: str, split: str) -> Rows:
        table = TokenTable.open(TOKENS, name, split)
        return Rows(model.embedder(table)(np.arange(len(table))), np.array(table.labels))

    begin = time.monotonic()
    model.eval()
    losses = {}
    for name, task in tasks.items():
        train, dev = rows(name, "train"), rows(name, "dev")
        head = model.heads[attribute(name)]
        fit_head(head, name, task, settings.fit, train, dev)
        with torch.no_grad():
            outputs = head(*train.embeddings).cpu()
        losses[name] = round(task_loss(task, outputs, torch.from_numpy(train.labels)).item(), 6)
    found = {name: round(value, 6) for name, value in validation(model, tasks)().items()}
    print(f"finetune {method} seed {seed}: dev {in_a_line(found)}")
    point = {"step": 0, "epoch": 0, "lr": 0.0, "loss": round(sum(losses.values()), 6)}
    curves = Curves([point | {f"loss_{name}": loss for name, loss in losses.items()}], [{"epoch": 0, **found}])
    return loop.Result(curves, best_epoch=0, steps=0, seconds=time.monotonic() - begin)


def start_heads(model: MultiTaskModel, tasks: Mapping[str, Task], how: str, seed: int) -> None:
    """Let heads begin where they would be without training (imprinting: Qi et al. 2018); how: as of `fit_head`.

    Of up to STARTED_ON random training rows, and as many of dev, which only choose the scale of prototypes. A class
    without a row begins with a small probability, not with none: it may have a row later.
    """

    def rows(name: str, split: str) -> Rows:
        table = TokenTable.open(TOKENS, name, split)
        some = some_rows(len(table), STARTED_ON, seed, "start of heads", name)
        return Rows(model.embedder(table)(some), np.asarray(table.labels)[some])

    model.eval()
    for name, task in tasks.items():
        head = model.heads[attribute(name)]
        fit_head(head, name, task, how, rows(name, "train"), rows(name, "dev"))
        for parameter in head.parameters():
            parameter.data.nan_to_num_(posinf=RARE, neginf=-RARE)


@torch.no_grad()
def fit_head(head: nn.Module, name: str, task: Task, how: str, train: Rows, dev: Rows) -> None:
    """Set the head's linear layer in place; of a head in evaluation mode. SystemExit for labels that nothing fits."""
    inner = head.classes if isinstance(head, ExpectedHead) else head
    layer = getattr(inner, "linear", None)
    if not isinstance(layer, nn.Linear) or not callable(features := inner.features):
        return
    x, dev_x = features(*train.embeddings).cpu(), features(*dev.embeddings).cpu()
    with threadpool_limits(1, user_api="blas"):  # a second thread changes the last bits
        try:
            if task.what.has_classes and not task.what.one_class:
                weight, bias = several(how, task, x, train.labels, dev_x, dev.labels)
            elif task.what.has_classes or isinstance(head, ExpectedHead):
                y, dev_y = (class_indices(task, torch.from_numpy(rows.labels)) for rows in (train, dev))
                weight, bias = classes(how, task.number_of_classes, x, y, dev_x, dev_y)
            else:
                weight, bias = ridge(x.numpy(), train.labels)
        except ValueError as error:  # scikit-learn's words for one class only, or fewer rows than classes
            raise SystemExit(f"tasks.{name}: `fit: {how}` cannot use its training rows: {error}") from None
    if task.what.one_class and layer.out_features == 1:  # a binary task's one output is the logit of yes
        weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
    layer.weight.copy_(torch.from_numpy(weight))
    layer.bias.copy_(torch.from_numpy(bias))


def classes(how: str, count: int, x: Tensor, y: Tensor, dev_x: Tensor, dev_y: Tensor) -> Linear:
    """The linear layer of `count` classes; a class without a training row has bias -inf.

    x, dev_x: [n, features]; y, dev_y: [n] 0 .. count - 1. Only the scale of prototypes is chosen on dev.
    """
    if len(np.unique(y.numpy())) < 2:
        raise ValueError("they have one class only")
    if how == "prototypes":
        scaled = readout.fit(x, y, count, dev_x, dev_y, "squared_euclidean").linear()
        return scaled[0].numpy(), scaled[1].numpy()
    fit = lda if how == "lda" else logistic
    return of_all_classes(fit(x.numpy(), y.numpy()), y.numpy(), count)


def several(how: str, task: Task, x: Tensor, y: np.ndarray, dev_x: Tensor, dev_y: np.ndarray) -> Linear:
    """Of labels with any number of classes each class by itself, against none of it; y, dev_y: [n] labels."""
    rows = []
    for own, dev in zip(task.what.members(task, y).T, task.what.members(task, dev_y).T, strict=True):
        if own.min() == own.max():  # all have it, or none
            rows.append((np.zeros(x.shape[1]), np.inf if own.all() else -np.inf))
        else:
            weight, bias = classes(how, 2, x, torch.from_numpy(own).long(), dev_x, torch.from_numpy(dev).long())
            rows.append((weight[1] - weight[0], bias[1] - bias[0]))
    return np.stack([weight for weight, _ in rows]), np.array([bias for _, bias in rows])


def logistic(x: np.ndarray, y: np.ndarray) -> Linear:
    regression = LogisticRegression(C=STRENGTH / len(x), max_iter=1000)
    scaler = make_pipeline(StandardScaler(), regression).fit(x, y)[0]
    weight = regression.coef_ / scaler.scale_
    return weight, regression.intercept_ - weight @ scaler.mean_
