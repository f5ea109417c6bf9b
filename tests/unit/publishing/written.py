"""Kept runs that are written here, of methods a, b and c, and the questions about them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from protomtl.analysis import power
from protomtl.publishing.questions import QUESTIONS

HALF = power.BOTH_ENDS * 0.01  # an interval of ± 1.96 × 0.01
ERROR = 101e-6**0.5  # of `write_run`: 100e-6 - 4e-6 of examples, and 25e-6 / 5 of five trainings


def write_run(
    folder: Path,
    difference: float = 0.0,
    seeds: int = 5,
    updates: Mapping[str, Sequence[int]] | None = None,
    **about: Any,
) -> Path:
    """Deviations are 0.003 (a) and 0.004 (b); a minus b is `difference` on test. updates: of each method, a number a
    seed, behind which its dev overall is 0.76; all end behind 80 updates, at 0.8. about: what the run says beside its
    data."""
    folder.mkdir(parents=True)
    row = {"split": "test", "method": "a", "reference": "b", "figure": "overall", "difference": difference, "p": 0.5}
    ends = {"low": difference - HALF, "high": difference + HALF, "p_holm": 0.5}
    pd.DataFrame([row | ends]).to_csv(folder / "tables-comparisons.csv")
    numbers = [*range(1, seeds + 1)]
    table = {"method": ["a", "b"], "overall_sd": [0.003, 0.004], "seeds": [", ".join(map(str, numbers))] * 2}
    pd.DataFrame(table).to_csv(folder / "tables-table2.csv")
    says = {"data": "d", "rows": 0, "methods": {name: {"pretrain": False, "finetune": {"lr": 0.1}} for name in "abc"}}
    says |= {"pretrain": {"epochs": 2}, "finetune": {"epochs": 18}}
    (folder / "about.json").write_text(json.dumps(says | {"parts": [{"seeds": numbers}]} | about))
    for k, seed in enumerate(numbers):
        reached = {name: (updates or {}).get(name, [40] * seeds)[k] for name in "abc"}
        points = [(name, at, 0.76) for name, at in reached.items()] + [(name, 80, 0.8) for name in "abc"]
        (folder / f"seed{seed}").mkdir()
        curves = pd.DataFrame(points, columns=["method", "updates", "overall"])
        curves.to_csv(folder / f"seed{seed}/curves.csv", index=False)
    return folder


def ask(docs: Path, kept: str, splits: int = 1, compare: str = "[[a, b]]", **more: object) -> Path:
    """One question, (a), about the folder of runs in `docs`, which is returned; its preset is beside `docs`."""
    (docs.parent / "presets").mkdir(exist_ok=True)
    (docs.parent / "presets/quick.yaml").write_text("finetune: {epochs: 18}\nmethod: {a: {finetune: {lr: 0.1}}}")
    block = {"ask": "q", "figure": "f", "margin": 0.01, "why": "w", "compare": compare, "preset": "quick"} | more
    plan = f"plans: [{{data: d, seeds: 5, splits: {splits}, kept: {kept}}}]"
    path = docs / QUESTIONS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"a: {{{', '.join(f'{key}: {value}' for key, value in block.items())}, {plan}}}")
    return docs / "runs"
