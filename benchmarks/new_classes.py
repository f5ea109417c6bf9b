"""New classes on the encoders of a run: questions (d) and (e), `make new-classes RUN=NAME`.

    python -m benchmarks.new_classes NAME

NAME is a kept run, whose trained encoders must be in results. The texts are product reviews, tweets and editorials,
which they have not seen. Nothing of an encoder is trained. Figures go to docs/runs/NAME/new-classes.json.

(d) Positive or negative, from 2 to 64 examples of each, ten draws of them.
(e) Six classes, the domain and the sign. Five are known by 100 examples each; the sixth comes later, with 16. Each is
the late one in turn, in three draws of examples and tested texts.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.preprocessing import normalize

from benchmarks import options
from benchmarks.fewshot import DOMAINS, SHOTS, TESTED, domains, support
from protomtl import PrototypeClassifier
from protomtl.analysis import planned
from protomtl.core.files import read_json, write_json
from protomtl.core.paths import KEPT, results
from protomtl.core.runs import Run, read_runs, seeds_of
from protomtl.inference.network import flat
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import evaluating, settle
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.publishing.answers import NEW_CLASSES
from protomtl.publishing.questions import QUESTIONS, Question, read
from protomtl.receipt import here, kept
from protomtl.tokenizer import open_tokenizer, token_numbers

DRAWS, LATE_DRAWS = 10, 3  # of (d) and of (e)
KNOWN, LATE, OLD_TESTED = 100, 16, 100  # examples of a known class, of the late one, tested texts of each class
MAX_LENGTH, BATCH = 128, 1024  # tokens of a text, texts that are encoded at a time
EPOCHS = 20  # of the head that goes on by gradient steps
PROTOTYPES, COMPARED = "prototypes", 8  # the classifier and the examples that the questions compare
Row = dict[str, Any]
Texts = dict[str, tuple[list[str], np.ndarray]]  # of each domain, and their classes


class Found(NamedTuple):
    """Of one encoder.

    few: (classifier, examples) -> [draws, texts] 1 where right. later: classifier -> [draws, late classes, 3], accuracy
    on the old classes before and after the late one came, and on that one.
    """

    few: Mapping[tuple[str, int], np.ndarray]
    later: Mapping[str, np.ndarray]

    def figures(self) -> dict[str, np.ndarray]:
        """What the questions compare: [draws, texts] and [draws]."""
        late = self.later[PROTOTYPES][..., 1:].mean(axis=(1, 2))
        return {"few": self.few[PROTOTYPES, COMPARED].astype(float), "later": late}

    def rows(self) -> list[Row]:
        """A row a classifier, and number of examples."""
        rows: list[Row] = [
            {"what": "few", "classifier": name, "shots": shots, "figure": float(right.mean())}
            for (name, shots), right in self.few.items()
        ]
        for name, several in self.later.items():
            before, after, new = (float(value) for value in several.mean(axis=(0, 1)))
            row = {"before": before, "after": after, "new": new, "figure": (after + new) / 2}
            rows.append({"what": "later", "classifier": name, "shots": LATE} | row)
        return rows


def main(name: str) -> None:
    folder = kept.find(name)
    runs, texts = runs_of(folder), domains()  # nothing is fetched for a run that is not here
    found: dict[Run, Found] = {}
    for run in runs:
        vectors = encoded(run, texts)
        found[run] = Found(few(vectors, texts, DRAWS), later(vectors, texts, LATE_DRAWS))
        said = ", ".join(f"{what} {values.mean():.3f}" for what, values in found[run].figures().items())
        print(f"{run.method} seed {run.seed}: {said}", flush=True)
    compared = comparisons(read(KEPT.parent / QUESTIONS), {run: own.figures() for run, own in found.items()})
    rows = [{"method": run.method, "seed": run.seed} | row for run, own in found.items() for row in own.rows()]
    write_json(
        folder / NEW_CLASSES,
        {"draws": DRAWS, "late_draws": LATE_DRAWS, "tested": TESTED, "comparisons": compared, "rows": rows},
    )
    print(table(compared))


def runs_of(folder: Path) -> list[Run]:
    """The trainings of a kept run, all of which must be here, byte for byte. SystemExit for one that is not."""
    run = kept.read(folder)
    wanted = [Run(method, seed) for method in run.labels for seed in run.seeds]
    if missing := [one for one in wanted if one not in read_runs()]:
        raise SystemExit(f"{folder}: its {missing[0].method} seed {missing[0].seed} is not in results")
    for one in wanted:
        digests = here.digests(one)
        if not digests or any(run.digests.get(path) != digest for path, digest in digests.items()):
            raise SystemExit(f"{results('finetune', *one)}: not the training that {folder} keeps")
    return wanted


def comparisons(questions: Mapping[str, Question], figures: Mapping[Run, Mapping[str, np.ndarray]]) -> list[Row]:
    """Each comparison of the questions on new classes of which both are there: the mean difference and its error, over
    seeds, draws and texts. SystemExit for a single seed."""
    runs, rows = [*figures], []
    if len(seeds_of(runs)) < 2:
        raise SystemExit("seeds: one alone does not tell how much trainings vary; give two or more")
    for question in questions.values():
        for pair in question.compare if question.new_classes else ():
            if all(Run(method, seed) in figures for method in pair for seed in seeds_of(runs)):
                rows.append(compared({run: own[str(question.new_classes)] for run, own in figures.items()}, *pair))
                rows[-1]["what"] = question.new_classes
            else:
                print(f"{question.ask}: {' minus '.join(pair)}: not compared, since the run has not both")
    return rows


def compared(figures: Mapping[Run, np.ndarray], method: str, control: str) -> Row:
    """The mean of the differences of two methods, paired by seed, with its error."""
    own, other = (np.stack([values for run, values in figures.items() if run.method == m]) for m in (method, control))
    return {"method": method, "control": control} | planned.crossed(own - other)._asdict()


def encoded(run: Run, texts: Texts) -> dict[str, np.ndarray]:
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


def few(vectors: dict[str, np.ndarray], texts: Texts, draws: int) -> dict[tuple[str, int], np.ndarray]:
    """(d) Of each classifier and number of examples which texts it has right in which draw; the texts are as many of
    each domain."""
    right: dict[tuple[str, int], list[list[np.ndarray]]] = {}
    for shots, draw in ((shots, draw) for shots in SHOTS for draw in range(draws)):
        own: dict[str, list[np.ndarray]] = {}
        for domain in DOMAINS:
            labels, whole = texts[domain][1], vectors[domain]
            order = np.random.default_rng(1).permutation(len(whole))
            tested, rest = order[:TESTED], order[TESTED:]
            picked = support(labels, rest, shots, draw)
            for name, kind in ((PROTOTYPES, PrototypeClassifier), ("logistic regression", logistic)):
                predicted = kind().fit(whole[picked], labels[picked]).predict(whole[tested])
                own.setdefault(name, []).append(predicted == labels[tested])
        for name, parts in own.items():
            right.setdefault((name, shots), []).append(parts)
    return {key: np.array([np.concatenate(parts) for parts in several]) for key, several in right.items()}


def later(vectors: dict[str, np.ndarray], texts: Texts, draws: int) -> dict[str, np.ndarray]:
    """(e) Of each classifier the accuracies of `arrived`, in each draw with each class in turn as the late one."""
    whole = np.concatenate([vectors[domain] for domain in DOMAINS])
    classes = np.concatenate([2 * k + texts[domain][1] for k, domain in enumerate(DOMAINS)])
    found: dict[str, list[tuple[float, float, float]]] = {}
    for draw in range(draws):
        train, test = halves(classes, draw)
        for late in range(2 * len(DOMAINS)):
            for name, values in arrived(whole, classes, train, test, late).items():
                found.setdefault(name, []).append(values)
    return {name: np.array(several).reshape(draws, 2 * len(DOMAINS), 3) for name, several in found.items()}


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
    for name, kind in ((PROTOTYPES, PrototypeClassifier), ("logistic regression, old rows kept", logistic)):
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


def table(rows: Sequence[Row]) -> str:
    """Markdown: a line a comparison. Whether one is better says the page of questions, which corrects p."""
    lines = ["| new classes | comparison | difference | 95 % interval |", "|---|---|---:|---:|"]
    for row in rows:
        low, high = planned.interval(planned.Estimate(row["difference"], row["error"], row["freedom"]))
        pair = f"`{row['method']}` minus `{row['control']}`"
        lines.append(f"| {row['what']} | {pair} | {row['difference']:+.3f} | {low:+.3f} to {high:+.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("name", metavar="NAME", help="a kept run")
    with options.in_words():
        main(parser.parse_args().name)
