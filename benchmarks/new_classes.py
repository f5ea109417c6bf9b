"""New classes on the encoders of a run: questions (d) and (e) of docs/research/questions.md, `make new-classes`.

    python -m benchmarks.new_classes [DRAWS]

The encoders are those of all methods and seeds in results/runs.csv, on the default data; the texts are product reviews,
tweets and editorials, which they have not seen. Nothing of an encoder is trained. Figures go to
benchmarks/results/new_classes.json.

(d) Positive or negative, from 2 to 64 examples of each.
(e) Six classes, the domain and the sign. Five are known by 100 examples each; the sixth comes later, with 16.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.preprocessing import normalize

from benchmarks import options
from benchmarks.fewshot import DOMAINS, SHOTS, TESTED, domains, support
from benchmarks.measure import RESULTS
from protomtl import PrototypeClassifier
from protomtl.core.files import read_json, write_json
from protomtl.core.paths import results
from protomtl.core.runs import Run, read_runs, seeds_of
from protomtl.inference.network import flat
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import evaluating, settle
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.publishing.questions import read
from protomtl.tokenizer import open_tokenizer, token_numbers

KNOWN, LATE, OLD_TESTED = 100, 16, 100  # examples of a known class, of the late one, tested texts of each class
MAX_LENGTH, BATCH = 128, 1024  # tokens of a text, texts that are encoded at a time
EPOCHS = 20  # of the head that goes on by gradient steps
PRIMARY = {"d": ("few", "prototypes", 8), "e": ("later", "prototypes", LATE)}  # what a question compares
Row = dict[str, Any]


def main(draws: int) -> None:
    texts = domains()
    rows: list[Row] = []
    for run in read_runs():
        vectors = encoded(run, texts)
        found = [*few(vectors, texts, draws), *later(vectors, texts, draws)]
        rows += [{"method": run.method, "seed": run.seed} | row for row in found]
        print(f"{run.method} seed {run.seed}: {summary(found)}", flush=True)
    write_json(RESULTS / "new_classes.json", {"draws": draws, "tested": TESTED, "rows": rows})
    print(table(rows, len(seeds_of(read_runs()))))


def encoded(run: Run, texts: dict[str, tuple[list[str], np.ndarray]]) -> dict[str, np.ndarray]:
    """[n, width] vectors of length 1 of each domain's texts, by the encoder that a run has fine-tuned."""
    folder = results("finetune", *run)
    record = read_json(folder / "config.json")
    settle(Compute.model_validate(record["compute"]))
    model, _ = trained_model(folder, folder / "encoder", record)
    tokenizer, special = open_tokenizer(folder / "encoder", MAX_LENGTH)
    found = {}
    for name, (sentences, _) in texts.items():
        numbers = flat(token_numbers(tokenizer, sentences))
        rows = TokenTable("", [numbers], special, np.full(len(sentences), np.nan, np.float32))
        with evaluating(model.encoder):
            parts = [model.encoder(rows.single(part, 0)).cpu().numpy() for part in batches(len(rows))]
        found[name] = normalize(np.concatenate(parts).astype(np.float64))
    return found


def batches(rows: int) -> list[np.ndarray]:
    return [np.arange(start, min(rows, start + BATCH)) for start in range(0, rows, BATCH)]


def few(vectors: dict[str, np.ndarray], texts: dict[str, tuple[list[str], np.ndarray]], draws: int) -> Iterator[Row]:
    """(d) A row a number of examples and classifier: the accuracy, mean of the domains and draws."""
    for shots in SHOTS:
        accuracies: dict[str, list[float]] = {"prototypes": [], "logistic regression": []}
        for domain in DOMAINS:
            labels, own = texts[domain][1], vectors[domain]
            order = np.random.default_rng(1).permutation(len(own))
            tested, rest = order[:TESTED], order[TESTED:]
            for draw in range(draws):
                picked = support(labels, rest, shots, draw)
                for name, classifier in (
                    ("prototypes", PrototypeClassifier()),
                    ("logistic regression", LogisticRegression(max_iter=1000)),
                ):
                    predicted = classifier.fit(own[picked], labels[picked]).predict(own[tested])
                    accuracies[name].append(float((predicted == labels[tested]).mean()))
        for name, values in accuracies.items():
            yield {"what": "few", "classifier": name, "shots": shots, "figure": float(np.mean(values))}


def later(vectors: dict[str, np.ndarray], texts: dict[str, tuple[list[str], np.ndarray]], draws: int) -> Iterator[Row]:
    """(e) A row a classifier: accuracy on the old classes before and after, on the new one, and the mean of the last
    two, over draws and each class in turn as the late one."""
    whole = np.concatenate([vectors[domain] for domain in DOMAINS])
    classes = np.concatenate([2 * k + texts[domain][1] for k, domain in enumerate(DOMAINS)])
    found: dict[str, list[tuple[float, float, float]]] = {}
    for draw in range(draws):
        train, test = halves(classes, draw)
        for late in range(2 * len(DOMAINS)):
            for name, values in arrived(whole, classes, train, test, late).items():
                found.setdefault(name, []).append(values)
    for name, several in found.items():
        before, after, new = np.mean(several, axis=0)
        figures = {"before": before, "after": after, "new": new, "figure": (after + new) / 2}
        yield {"what": "later", "classifier": name, "shots": LATE} | {key: float(v) for key, v in figures.items()}


def halves(classes: np.ndarray, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """KNOWN training and OLD_TESTED other rows of each class."""
    random, train, test = np.random.default_rng([3, draw]), [], []
    for label in np.unique(classes):
        rows = random.permutation(np.flatnonzero(classes == label))
        train.append(rows[:KNOWN])
        test.append(rows[KNOWN : KNOWN + OLD_TESTED])
    return np.concatenate(train), np.concatenate(test)


def arrived(
    vectors: np.ndarray, classes: np.ndarray, train: np.ndarray, test: np.ndarray, late: int
) -> dict[str, tuple[float, float, float]]:
    """Of each classifier the accuracy on old classes before and after the late one came, and on that one."""
    old, new = train[classes[train] != late], train[classes[train] == late][:LATE]
    both, known = np.concatenate([old, new]), test[classes[test] != late]
    own = test[classes[test] == late]

    def right(classifier: Any, rows: np.ndarray) -> float:
        return float((classifier.predict(vectors[rows]) == classes[rows]).mean())

    found = {}
    for name, kind in (("prototypes", PrototypeClassifier), ("logistic regression, old rows kept", logistic)):
        before = right(kind().fit(vectors[old], classes[old]), known)
        after = kind().fit(vectors[both], classes[both])
        found[name] = (before, right(after, known), right(after, own))
    head = SGDClassifier(loss="log_loss", random_state=1)
    stepped(head, vectors[old], classes[old], np.unique(classes))
    before = right(head, known)
    stepped(head, vectors[new], classes[new], np.unique(classes))
    found["gradient steps, old rows gone"] = (before, right(head, known), right(head, own))
    return found


def logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


def stepped(head: SGDClassifier, vectors: np.ndarray, classes: np.ndarray, every: np.ndarray) -> None:
    """EPOCHS passes over some rows, in a seeded order."""
    random = np.random.default_rng(1)
    for _ in range(EPOCHS):
        order = random.permutation(len(vectors))
        head.partial_fit(vectors[order], classes[order], classes=every)


def summary(rows: list[Row]) -> str:
    return "; ".join(
        f"({letter}) {row['figure']:.3f}" for letter, wanted in PRIMARY.items() for row in rows if key(row) == wanted
    )


def key(row: Row) -> tuple[str, str, int]:
    return row["what"], row["classifier"], row["shots"]


def table(rows: list[Row], seeds: int) -> str:
    """Each comparison of both questions on its primary figure: mean difference over seeds, paired t interval."""
    lines = ["| question | comparison | difference | 95 % interval |", "|---|---|---:|---:|"]
    questions = read(RESULTS.parents[1] / "docs/research/questions.yaml")
    for letter, wanted in PRIMARY.items():
        figures: dict[str, dict[int, float]] = {}
        for row in rows:
            if key(row) == wanted:
                figures.setdefault(row["method"], {})[row["seed"]] = row["figure"]
        for method, control in questions[letter].compare:
            if method in figures and control in figures:
                own = np.array([figures[method][s] - figures[control][s] for s in sorted(figures[method])])
                span = interval(own) if seeds > 1 else "one seed"
                lines.append(f"| ({letter}) | `{method}` minus `{control}` | {own.mean():+.3f} | {span} |")
    return "\n".join(lines)


def interval(differences: np.ndarray) -> str:
    """Of the mean of paired differences, by Student's t."""
    half = stats.t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / len(differences) ** 0.5
    return f"{differences.mean() - half:+.3f} to {differences.mean() + half:+.3f}"


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("draws", metavar="DRAWS", nargs="?", type=options.count, default=10, help="of examples (10)")
    main(parser.parse_args().draws)
