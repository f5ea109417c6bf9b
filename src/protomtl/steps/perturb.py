"""Step `perturb`: data/perturbed has the texts of every stress, readable and as tokens, once for all methods."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from protomtl.core.files import atomic, digest_folder, write_json
from protomtl.core.paths import BACKBONE, PERTURBED, PREPARED, RAW
from protomtl.core.settings import Data
from protomtl.data import elsewhere
from protomtl.data.readers import Row
from protomtl.data.split_profile import bare, normalised
from protomtl.perturbations.battery import CLEAN, Battery, battery
from protomtl.perturbations.kinds import Place, Source
from protomtl.perturbations.settings import Perturb
from protomtl.perturbations.tables import table_of
from protomtl.tasks.settings import Task, main_tasks
from protomtl.tokenizer import Tokens, open_tokenizer, token_numbers


def run(perturb: Perturb, data: Data, tasks: dict[str, Task], tokens: Tokens) -> None:
    """Write data/perturbed: for each task a table of cases, their tokens; and what was made and left out."""
    main = main_tasks(tasks)
    rows = {name: labelled(name, task, perturb.splits) for name, task in main.items()}
    places, told = other_places(perturb, data, tasks, rows)
    most = max(1, perturb.rows // len(main)) if perturb.rows else 0
    backend, special = open_tokenizer(BACKBONE, tokens.max_length)
    report: dict[str, Any] = {}
    with atomic(PERTURBED) as part:
        for name, task in main.items():
            found = battery(name, task, rows[name], perturb, most, places.get(name, {}))
            words = found.words + ([] if rows[name] else ["all: no split has labels"]) + told.get(name, [])
            if found.enough:
                words.append(
                    f"all: `perturb.rows` is too small: {found.enough * len(main)} have one row of each stress"
                )
            report[name] = {"counts": found.counts, "left_out": words}
            write_cases(part, name, found, backend)
            tell(name, found, words)
        write_json(part / "report.json", report)
        write_json(part / "tokens" / "tokens.json", special | {"files": digest_folder(part)})


def labelled(name: str, task: Task, splits: Sequence[str]) -> list[Source]:
    """The rows of those splits that have labels; of dev if none has."""
    found = {split: read(name, task, split) for split in dict.fromkeys((*splits, "dev"))}
    known = {split: rows for split, rows in found.items() if not any(np.isnan(row.label) for row in rows)}
    wanted = {split: rows for split, rows in known.items() if split in splits} or known
    return [row for rows in wanted.values() for row in rows]


def read(name: str, task: Task, split: str) -> list[Source]:
    columns = ["id", "label", *("text_a", "text_b")[: len(task.texts)]]
    table = pq.read_table(PREPARED / name / f"{split}.parquet", columns=columns).to_pydict()
    texts = zip(*(table[column] for column in columns[2:]), strict=True)
    labels = (np.nan if label is None else label for label in table["label"])
    return [Source(split, *row) for row in zip(table["id"], texts, labels, strict=True)]


def other_places(
    perturb: Perturb, data: Data, tasks: Mapping[str, Task], rows: Mapping[str, Sequence[Source]]
) -> tuple[dict[str, dict[str, Place]], dict[str, list[str]]]:
    """Rows of other places for each task that has any, none that a model has been shown; and what is left out.

    Dev chose the epochs, so its rows were shown, but where they stand for test: see the report's `judged`.
    """
    main = main_tasks(tasks)
    if "shift" not in perturb.kinds:
        return {}, {}
    if data.source in ("folder", "hub"):
        return {}, {name: ["shift: no other place is known of these data"] for name in main}
    used = {row.split for several in rows.values() for row in several}
    splits = ("train",) if used == {"dev"} else ("train", "dev")
    shown = {name: [row for split in splits for row in read(name, task, split)] for name, task in tasks.items()}
    form = normalised if data.source == "starter" else bare
    seen = {form(text) for several in shown.values() for row in several for text in row.texts}
    if data.source == "starter":
        found = elsewhere.starter_places(RAW, tasks, seen)
    else:
        trained = {name: {frozenset(map(form, row.texts)) for row in several} for name, several in shown.items()}
        found = elsewhere.cs224n_places(RAW, tasks, seen, trained)
    places = {
        name: {place: place_of(name, place, several) for place, several in own.items()} for name, own in found.items()
    }
    absent = "shift: no other place is known of it" if data.source == "starter" else "shift: `data.elsewhere` is false"
    return places, {name: [absent] for name in main if name not in places}


def place_of(name: str, place: str, rows: Sequence[Row]) -> Place:
    sided = (name, place.removesuffix("_apart")) == elsewhere.SIDES
    return Place([Source("elsewhere", r.id, r.texts, r.label or 0.0) for r in rows], "side" if sided else "label")


def write_cases(folder: Path, name: str, found: Battery, backend: Any) -> None:
    """NAME.csv, and tokens/NAME/all as the token cache has a split."""
    table = table_of(found.cases)
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    target = folder / "tokens" / name / "all"
    target.mkdir(parents=True)
    np.save(target / "labels.npy", table["label"].to_numpy(dtype=np.float64))
    for side in range(len(found.cases[0].texts) if found.cases else 0):
        numbers = token_numbers(backend, [case.texts[side] for case in found.cases])
        np.save(target / f"{'ab'[side]}.tokens.npy", np.fromiter(chain.from_iterable(numbers), np.int32))
        np.save(target / f"{'ab'[side]}.offsets.npy", np.cumsum([0, *map(len, numbers)], dtype=np.int64))


def tell(name: str, found: Battery, words: Iterable[str]) -> None:
    clean = sum(case.kind == CLEAN for case in found.cases)
    counts = ", ".join(f"{stress} {count['made']:.0f}" for stress, count in found.counts.items())
    print(f"perturb {name}: clean {clean}, {counts}", flush=True)
    for word in words:
        print(f"perturb {name}: left out {word}", flush=True)
