"""Which rows `stress` asks a model about, and what it says of those that cannot be asked."""

from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from protomtl.commands import stress
from protomtl.core.files import write_json
from protomtl.inference.lines import BadInput
from protomtl.perturbations.battery import Battery
from protomtl.tasks.settings import Task

MOOD = Task.model_validate(
    {
        "kind": "binary",
        "texts": ["t"],
        "label": "y",
        "files": {"train": "a", "dev": "b", "test": "c"},
    }
)


@pytest.mark.parametrize(("splits", "judged"), [(["dev", "test"], ["test"]), (["dev", "dev"], ["dev", "dev"])])
def test_of_the_projects_texts_those_are_judged_that_the_report_judges(
    splits: list[str], judged: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dev chose the epochs: with `perturb.splits: [dev, test]` a figure of both would be neither's."""
    monkeypatch.chdir(tmp_path)
    cases = pd.DataFrame(
        {"kind": "clean", "stress": "clean", "split": splits, "id": ["1", "2"], "label": 1.0, "expected": "label"}
    ).assign(text="A text.", original="A text.")
    Path("data/perturbed").mkdir(parents=True)
    cases.to_csv("data/perturbed/mood.csv", index=False)
    write_json(Path("data/perturbed/report.json"), {"mood": {"counts": {}, "left_out": []}})
    monkeypatch.setattr(stress, "refuse_other_task", lambda name, task: None)
    monkeypatch.setattr(stress, "asked", lambda model, name, cases, texts: cases)
    model: Any = SimpleNamespace(tasks={"mood": MOOD})
    tables, _, texts, _ = stress.perturbed(model)
    assert [*tables["mood"]["split"]] == judged == [*texts["mood"]["split"]]


@pytest.mark.parametrize(
    ("enough", "message"),
    [
        (4, "--rows 3: too few for 2 stresses; 4 have one row of each"),
        (0, "own.csv: nothing can be asked of it: no stress can change one of 9 rows"),
    ],
)
def test_too_few_rows_and_rows_that_cannot_be_changed_are_told_apart(enough: int, message: str) -> None:
    none: dict[str, float] = {"made": 0, "left_out": 9}
    found = Battery([], {"typos_5": none, "case": none}, [], enough)
    with pytest.raises(BadInput, match=message):
        stress.refuse_nothing(Namespace(data="own.csv"), found, [], 3, 9)
