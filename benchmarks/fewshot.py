"""A new classification from a few examples, beside SetFit and logistic regression: `make fewshot`.

    python -m benchmarks.fewshot MODEL [DRAWS]

MODEL is what `protomtl export` wrote of a run on the default data. The texts are product reviews, tweets and
editorials, on which it was not trained; their labels are the sign of the mean rating. Figures go to
benchmarks/results/fewshot.json and benchmarks/results/fewshot.png.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from benchmarks import options
from benchmarks.measure import RESULTS
from protomtl import PrototypeClassifier, load
from protomtl.core.files import write_json
from protomtl.core.markdown import markdown_table
from protomtl.core.paths import BACKBONE, check_fetched
from protomtl.data.readers import read_lines
from protomtl.data.starter import SNIPPETS
from protomtl.steps.download import starter

DOMAINS = ("amazon", "tweets", "editorial")
SHOTS = (2, 4, 8, 16, 64)  # examples of each class
TESTED = 500  # texts of each domain, the same in all draws
CLEAR = 1.0  # of ratings in [-4, 4]: weaker ones have no clear sign
SETFIT_STEPS = 40  # of 16 pairs; its own default, one epoch of all pairs, is 1 step with 2 examples, 1,000 with 64

Encode = Callable[[list[str]], np.ndarray]
Row = dict[str, Any]


def main(model: str, draws: int) -> None:
    check_fetched(BACKBONE)
    encoders = {"trained encoder": trained(model), "backbone": backbone()}
    rows: list[Row] = []
    for domain, (texts, labels) in domains().items():
        order = np.random.default_rng(1).permutation(len(texts))
        tested, rest = order[:TESTED], order[TESTED:]
        vectors = {name: timed(encode, texts) for name, encode in encoders.items()}
        for shots in SHOTS:
            for draw in range(draws):
                picked = support(labels, rest, shots, draw)
                found = by_vectors(vectors, labels, picked, tested)
                given = [texts[i] for i in picked], labels[picked]
                found["SetFit, backbone"] = timed(setfit, *given, [texts[i] for i in tested])
                for name, (predicted, seconds) in found.items():
                    accuracy = float((predicted == labels[tested]).mean())
                    row = {"domain": domain, "shots": shots, "draw": draw, "contender": name, "accuracy": accuracy}
                    rows.append(row | {"seconds": round(seconds, 3)})
            print(summary(rows, domain, shots), flush=True)
    write_json(RESULTS / "fewshot.json", {"draws": draws, "tested": TESTED, "setfit_steps": SETFIT_STEPS, "rows": rows})
    print(table(rows))
    draw_lines(rows, RESULTS / "fewshot.png")


def timed(work: Callable[..., np.ndarray], *given: Any) -> tuple[np.ndarray, float]:
    """What it returns, and the seconds that it took."""
    begin = time.perf_counter()
    found = work(*given)
    return found, time.perf_counter() - begin


def by_vectors(
    vectors: dict[str, tuple[np.ndarray, float]], labels: np.ndarray, picked: np.ndarray, tested: np.ndarray
) -> dict[str, tuple[np.ndarray, float]]:
    """Predictions and seconds of each classifier on each encoder's vectors.

    An encoder stays as it is, so its vectors are made once; the seconds are the share of the rows used, and the fit.
    """
    found = {}
    for encoder, (raw, seconds) in vectors.items():
        whole = normalize(raw)
        share = seconds / len(raw) * (len(picked) + len(tested))
        for name, classifier in (
            ("prototypes", PrototypeClassifier()),
            ("logistic regression", LogisticRegression(max_iter=1000)),
        ):
            predicted, fit = timed(predict, classifier, whole[picked], labels[picked], whole[tested])
            found[f"{name}, {encoder}"] = predicted, share + fit
    return found


def predict(classifier: Any, vectors: np.ndarray, labels: np.ndarray, tested: np.ndarray) -> np.ndarray:
    return np.asarray(classifier.fit(vectors, labels).predict(tested))


def domains() -> dict[str, tuple[list[str], np.ndarray]]:
    """Texts with a clear sign and 0 (negative) or 1 (positive)."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        starter(Path(scratch))
        for name in DOMAINS:
            rated = [(fields[2].strip(), float(fields[1])) for _, fields in read_lines(Path(scratch) / SNIPPETS[name])]
            clear = [(text, rating) for text, rating in rated if abs(rating) >= CLEAR]
            found[name] = [text for text, _ in clear], np.array([int(rating > 0) for _, rating in clear])
    return found


def support(labels: np.ndarray, rows: np.ndarray, shots: int, draw: int) -> np.ndarray:
    """Rows of `shots` examples of each class."""
    random = np.random.default_rng([shots, draw])
    return np.concatenate([random.choice(rows[labels[rows] == label], shots, replace=False) for label in (0, 1)])


def trained(model: str) -> Encode:
    """The exported encoder."""
    return load(model, threads=torch.get_num_threads()).encode


def backbone() -> Encode:
    """The encoder that it was trained from, by sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(BACKBONE), device="cpu")
    return lambda texts: np.asarray(encoder.encode(texts, show_progress_bar=False))


def setfit(examples: list[str], labels: np.ndarray, texts: list[str]) -> np.ndarray:
    """SetFit (Tunstall et al. 2022): fine-tune the backbone on pairs of examples, then logistic regression."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    torch.manual_seed(1)
    model = SetFitModel.from_pretrained(str(BACKBONE))
    arguments = TrainingArguments(
        batch_size=16, max_steps=SETFIT_STEPS, report_to="none", show_progress_bar=False, save_strategy="no"
    )
    data = Dataset.from_dict({"text": examples, "label": labels.tolist()})
    Trainer(model=model, args=arguments, train_dataset=data).train()
    return np.asarray(model.predict(texts, show_progress_bar=False))


def cell(rows: list[Row], **wanted: Any) -> tuple[float, float, float]:
    """Mean and deviation of the accuracy over draws, and the median of the seconds, of some rows."""
    some = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    accuracies = [row["accuracy"] for row in some]
    return float(np.mean(accuracies)), float(np.std(accuracies)), float(np.median([row["seconds"] for row in some]))


def names(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["contender"] for row in rows))


def summary(rows: list[Row], domain: str, shots: int) -> str:
    parts = [f"{name} {cell(rows, domain=domain, shots=shots, contender=name)[0]:.3f}" for name in names(rows)]
    return f"{domain}, {shots} of each class: " + "; ".join(parts)


def table(rows: list[Row]) -> str:
    """Markdown: mean accuracy over domains and draws for each number of examples, and the seconds with 16."""
    cells = []
    for name in names(rows):
        means = [f"{cell(rows, shots=shots, contender=name)[0]:.3f}" for shots in SHOTS]
        cells.append([name, *means, f"{cell(rows, shots=16, contender=name)[2]:.1f}"])
    return markdown_table(["contender", *map(str, SHOTS), "seconds (16)"], cells)


def draw_lines(rows: list[Row], path: Path) -> None:
    """Accuracy against the number of examples, a panel a domain, with the deviation over draws."""
    figure, panels = plt.subplots(1, len(DOMAINS), figsize=(12, 3.6), sharey=True)
    for axes, domain in zip(panels, DOMAINS, strict=True):
        for name in names(rows):
            cells = [cell(rows, domain=domain, shots=shots, contender=name) for shots in SHOTS]
            axes.errorbar(SHOTS, [c[0] for c in cells], [c[1] for c in cells], label=name, capsize=2)
        axes.set(title=domain, xscale="log", xlabel="examples of each class", xticks=SHOTS, xticklabels=SHOTS)
        axes.minorticks_off()
    panels[0].set_ylabel("accuracy")
    panels[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("model", metavar="MODEL", help="a folder, as results/export")
    parser.add_argument("draws", metavar="DRAWS", nargs="?", type=options.count, default=10, help="of examples (10)")
    given = parser.parse_args()
    options.refuse_missing(parser, "sentence_transformers", "setfit")
    with options.in_words():
        main(given.model, given.draws)
