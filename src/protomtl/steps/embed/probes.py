"""What Figure 1 shows, as numbers: how well a space of embeddings separates the classes of a task."""

from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from protomtl.core.files import write_json
from protomtl.core.markdown import markdown_table
from protomtl.model import prototypes, readout

NEIGHBOURS = 5
NOTE = (
    "Silhouette: of the embeddings in Figure 1. Others: accuracy on dev of what was fitted on training rows.\n"
    "Prior and scale: prototypes by -τ d + log π, in the distance that phase 1 trained. τ is fitted on these dev rows."
)
MEASURES = ("majority", "linear_probe", "nearest_neighbours", "nearest_prototype", "prior_and_scale")
Labelled = tuple[np.ndarray, np.ndarray]  # embeddings [n, width] and classes [n]


def accuracies(train: Labelled, dev: Labelled, distance: str) -> dict[str, float]:
    """Accuracy on dev of classifiers of the embeddings that were fitted on training rows.

    linear_probe: logistic regression on standardised embeddings (Alain and Bengio 2016), for the report's "almost
    linearly dividable"; nearest_neighbours: vote of the five nearest; nearest_prototype: the paper's own inference
    (§4.3); prior_and_scale: prototypes by -τ d + log π in the distance that was trained; majority: always the largest
    class of the training rows, to compare with. NaN where these are of one class.
    """
    # Mean loss + |w|²/2. The library's default, sum of losses + |w|²/2, learns the noise of 1,000 rows in hundreds
    # of dimensions (`sst` of the default run, dev: 0.41 instead of 0.56).
    regression = LogisticRegression(C=1 / len(train[0]), max_iter=1000)
    if len(np.unique(train[1])) < 2:  # nothing to tell apart
        return dict.fromkeys(MEASURES, float("nan"))
    classifiers = {
        "majority": DummyClassifier(),
        "linear_probe": make_pipeline(StandardScaler(), regression),
        "nearest_neighbours": KNeighborsClassifier(min(NEIGHBOURS, len(train[0]))),
    }
    found = {name: float(classifier.fit(*train).score(*dev)) for name, classifier in classifiers.items()}
    rows, classes = (torch.from_numpy(part) for part in dev)
    nearest = prototypes.predict(rows, *map(torch.from_numpy, train))
    lowest = min(train[1].min(), dev[1].min())  # a readout counts its classes from 0
    examples, labels, dev_labels = torch.from_numpy(train[0]), torch.from_numpy(train[1] - lowest), classes - lowest
    count = int(max(labels.max(), dev_labels.max())) + 1
    read = readout.fit(examples, labels, count, rows, dev_labels, distance).logits(rows).argmax(1)
    return found | {
        "nearest_prototype": float((nearest == classes).double().mean()),
        "prior_and_scale": float((read == dev_labels).double().mean()),
    }


def number(value: float) -> str:
    """A measure to read; `-` where there is none."""
    return "-" if isnan(value) else f"{value:.3f}"


def write(table: pd.DataFrame, title: str, folder: Path) -> str:
    """Write columns task, when and one a measure as space.csv, space.json (task, when, measure) and space.md.

    Returns the Markdown text.
    """
    measures = [c for c in table if c not in ("task", "when")]
    nested: dict[str, dict[str, dict[str, float | None]]] = {}
    head = ["task", "when", *(str(c).replace("_", " ") for c in measures)]
    rows = []
    for row in table.to_dict("records"):
        nested.setdefault(row["task"], {})[row["when"]] = {str(c): None if isnan(row[c]) else row[c] for c in measures}
        rows.append([row["task"], row["when"], *(number(row[c]) for c in measures)])
    text = f"## {title}\n\n{markdown_table(head, rows)}\n\n{NOTE}\n"
    table.to_csv(folder / "space.csv", index=False, lineterminator="\n")
    write_json(folder / "space.json", nested)
    (folder / "space.md").write_text(text, encoding="utf-8")
    return text
