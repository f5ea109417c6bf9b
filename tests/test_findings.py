"""The page of findings says what the kept figures allow, and no more."""

import json
from pathlib import Path

import pandas as pd
import pytest

from protomtl import comparisons, findings, verdicts
from protomtl.files import digest_folder, read_json
from protomtl.kept import keep

from .commands import call
from .conftest import patch_params
from .steps import run_all


def row(method: str, reference: str, difference: float, p: float, figure: str = "overall") -> dict[str, object]:
    found = {"split": "test", "method": method, "reference": reference, "figure": figure, "difference": difference}
    return {**found, "low": difference - 0.01, "high": difference + 0.01, "p": p, "p_holm": p}


@pytest.mark.parametrize(
    ("difference", "p", "says"),
    [
        (0.03, 0.01, "**better** overall by 0.030"),
        (-0.03, 0.01, "**worse** overall by 0.030"),
        (0.004, 0.4, "**not shown** overall; gains above 0.014 are unlikely"),
        (-0.04, 0.2, "gains above 0.000 are unlikely"),
    ],
)
def test_verdicts(difference: float, p: float, says: str) -> None:
    found = verdicts.compared(pd.DataFrame([row("prototypical", "concat", difference, p)]), "prototypical", "concat")
    assert found is not None and says in verdicts.verdict({"overall": found})


def test_a_comparison_the_other_way_round_is_turned() -> None:
    rows = pd.DataFrame([row("concat_longer", "prototypical", 0.03, 0.01)])
    found = verdicts.compared(rows, "prototypical", "concat_longer")
    assert found is not None
    assert (found["difference"], found["low"], found["high"]) == pytest.approx((-0.03, -0.04, -0.02))
    assert verdicts.compared(rows, "prototypical", "muppet") is None


def test_tasks_are_named_that_are_decided() -> None:
    decided = {"difference": -0.02, "low": -0.03, "high": -0.01, "p_holm": 0.01}
    open_ = {"difference": 0.0, "low": -0.01, "high": 0.01, "p_holm": 0.9}
    assert verdicts.verdict({"overall": open_, "sst": decided, "sts": open_}).endswith("By task: sst worse.")


def test_every_method_is_compared_with_the_first_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"concat": "Concatenated", "unfrozen": "Unfrozen", "best": "Best"}
    pd.DataFrame({"method": [*labels], "label": [*labels.values()]}).to_csv(tmp_path / "tables-table1.csv", index=False)
    rows = [
        row("best", "concat", 0.02, 0.01),
        row("best", "concat", 0.05, 0.01, figure="sst"),
        row("best", "concat", 0.04, 0.01) | {"split": "dev"},
        row("unfrozen", "concat", -0.01, 0.2),
        row("best", "unfrozen", 0.03, 0.01),
    ]
    monkeypatch.setattr(findings, "PAGE", tmp_path / "findings.md")
    lines = findings.against(pd.DataFrame(rows), tmp_path)
    assert lines[0] == "**Every other method minus `concat`** (Concatenated), test, overall:"
    assert [line for line in lines if line.startswith("| ")][1:] == [
        "| Best | +0.0200 | +0.0100 to +0.0300 | 0.010 |",
        "| Unfrozen | -0.0100 | -0.0200 to +0.0000 | 0.200 |",
    ]


def test_a_run_without_comparisons_says_so(tmp_path: Path) -> None:
    rows = pd.DataFrame(columns=comparisons.COLUMNS)
    assert findings.against(rows, tmp_path)[0].startswith("No comparisons")


@pytest.fixture
def kept(workdir: Path) -> Path:
    """A project with seed 1 of two methods, which is kept as `own`."""
    with pytest.raises(SystemExit, match="no run is kept"):
        findings.write()
    with pytest.raises(SystemExit, match=r"table1\.csv: not there"):
        keep("own")
    patch_params(workdir, {"methods": ["concat", "prototypical"]})
    call(workdir, "git", "init", "-q")
    call(workdir, "git", "add", "params.yaml")
    call(workdir, "git", "commit", "-qm", "one")
    run_and_keep(workdir, [1])
    return workdir / "docs/runs/own"


def run_and_keep(workdir: Path, seeds: list[int], name: str = "own") -> None:
    patch_params(workdir, {"seeds": seeds, "embed": {"seed": seeds[0]}, "export": {"seed": seeds[0]}})
    run_all()
    stages = {
        f"finetune@concat-{seed}": {"outs": [{"path": f"results/finetune/concat/seed{seed}", "md5": "abc.dir"}]}
        for seed in seeds
    }
    lock = {"schema": "2.0", "stages": stages | {"tables": {"outs": [{"path": "x", "md5": "y"}]}}}
    (workdir / "dvc.lock").write_text(json.dumps(lock))
    keep(name)


def tables_of(folder: Path, prefix: str = "") -> list[bytes]:
    return [(folder / f"{prefix}{name}.csv").read_bytes() for name in ("table1", "table2", "comparisons")]


def test_a_run_is_kept_and_the_page_is_made_of_it(workdir: Path, kept: Path) -> None:
    assert (kept / "seed1/checkpoints.csv").read_text() == "path,md5\nresults/finetune/concat/seed1,abc.dir\n"
    assert tables_of(kept, "tables-") == tables_of(workdir / "results/tables")
    predicted = pd.read_parquet(kept / "seed1/predictions.parquet").set_index(["split", "task"]).loc[("test", "sst")]
    stored = pd.read_csv(workdir / "results/evaluate/concat/seed1/test/sst.csv")
    assert (
        predicted[["id", "gold", "concat"]].to_numpy().tolist()
        == stored[["id", "gold", "prediction"]].to_numpy().tolist()
    )
    findings.write()
    page = (workdir / "docs/findings.md").read_text()
    assert "Data: folder" in page and "seeds 1: commit" in page and ", with changes to params.yaml" in page
    assert "**Does prototypical pre-training help?** `prototypical` minus `concat`, test:" in page
    assert "softmax" not in page  # what was not run is not asked
    for picture in ("table1.png", "differences.png", "embed-figure1.png"):
        assert (kept / picture).read_bytes().startswith(b"\x89PNG")
    assert "](runs/own/differences.png)" in page
    findings.write()
    assert (workdir / "docs/findings.md").read_text() == page


def test_a_run_may_be_kept_seed_by_seed(workdir: Path, kept: Path) -> None:
    """The tables are those of one run of all seeds, and what was kept stays."""
    first = (kept / "seed1/predictions.parquet").read_bytes()
    call(workdir, "git", "add", "docs")
    run_and_keep(workdir, [2])
    assert (kept / "seed1/predictions.parquet").read_bytes() == first
    assert [part["seeds"] for part in read_json(kept / "about.json")["parts"]] == [[1], [2]]
    assert read_json(kept / "about.json")["parts"][1]["changed"] == ["params.yaml"]  # not what `keep` itself wrote
    run_and_keep(workdir, [1, 2], "whole")
    whole = kept.parent / "whole"
    assert tables_of(kept, "tables-") == tables_of(whole, "tables-") == tables_of(workdir / "results/tables")
    keep("own")  # the same seeds take the place of both parts
    assert [part["seeds"] for part in read_json(kept / "about.json")["parts"]] == [[1, 2]]


def test_a_part_of_another_run_is_refused(workdir: Path, kept: Path) -> None:
    before = digest_folder(kept)
    patch_params(workdir, {"finetune": {"warmup": 0.2}})
    with pytest.raises(SystemExit, match=r"own/about\.json: kept with other `finetune` than params\.yaml has; keep"):
        run_and_keep(workdir, [2])
    assert digest_folder(kept) == before
