"""Step `stress`: what one method and seed says of the texts of every stress, results/stress/METHOD/seedN."""

from pathlib import Path
from typing import Any

import numpy as np

from protomtl.core.files import atomic, read_record
from protomtl.core.paths import PERTURBED, results
from protomtl.core.written import read_cases
from protomtl.model import distributed
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import settle
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.tasks.settings import Task


def run(method: str, seed: int) -> None:
    """Evaluate the model of the best dev epoch on data/perturbed. No parameters: the model is what its record says."""
    folder = results("finetune", method, seed)
    record = read_record(folder / "config.json")
    distributed.run(record["compute"]["processes"], evaluate, folder, record, method, seed)


def evaluate(folder: Path, record: dict[str, Any], method: str, seed: int) -> None:
    """`run`, as one of several processes: they share the encoding, and the main one does the rest."""
    settle(Compute.model_validate(record["compute"]))
    model, tasks = trained_model(folder, folder / "encoder", record)
    tables = {name: TokenTable.open(PERTURBED / "tokens", name, "all") for name in tasks}
    vectors = {name: model.stored(table) for name, table in tables.items() if len(table)}
    if not distributed.is_main():
        return
    with atomic(results("stress", method, seed)) as part:
        part.mkdir()
        for name, embed in vectors.items():
            scores = model.scores(name, tasks[name], embed, len(tables[name]))
            write(part / f"{name}.csv", name, tasks[name], scores)
    print(f"stress {method} seed {seed}: {', '.join(f'{name} {len(table)} rows' for name, table in tables.items())}")


def write(path: Path, name: str, task: Task, scores: np.ndarray) -> None:
    """The cases of data/perturbed/NAME.csv without texts, prediction, and a score for each class there is."""
    cases = read_cases(PERTURBED / f"{name}.csv")
    table = cases.loc[:, ~cases.columns.str.match("text|original")].copy()
    table["prediction"] = [f"{value:{task.what.form}}" for value in task.what.predictions(scores)]
    if task.what.has_classes:
        table[[f"score_{k}" for k in range(scores.shape[1])]] = scores
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6f")
