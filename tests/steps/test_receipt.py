"""A run here against a kept one, and the figures of pages against kept runs."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from protomtl import cli
from protomtl.commands import findings
from protomtl.commands.keep import keep
from protomtl.core.files import read_json
from protomtl.params import load
from protomtl.receipt import figures
from protomtl.tasks.settings import main_tasks
from tests.support.commands import call
from tests.support.makers import patch_params

PREDICTED = Path("results/evaluate/concat/seed1/test/sst.csv")
HEADS = Path("results/finetune/concat/seed1/heads.safetensors")


@pytest.fixture
def kept(workdir: Path, complete_once: Path) -> Path:
    """A finished run of two methods that is kept as `own`, with a lock as DVC would have written it."""
    shutil.copytree(complete_once, workdir, dirs_exist_ok=True)
    for words in (("init", "-q"), ("add", "params.yaml"), ("commit", "-qm", "one")):
        call(workdir, "git", *words)
    outs = [{"path": "results/finetune/concat/seed1", "md5": "abc.dir"}]
    (workdir / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"finetune@concat-1": {"outs": outs}}}))
    for name in ("Snakefile", "dvc.yaml"):
        (workdir / name).write_text("\n")
    keep("own", 0.05)
    return workdir / "docs/runs/own"


def verify(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.run(["verify", *words])
    assert isinstance(end.value.code, int | bool)
    return int(end.value.code)


def verdicts() -> dict[str, str]:
    table = pd.read_csv("results/receipt/rows.csv")
    return dict(zip(table["method"], table["verdict"], strict=True))


def test_the_same_run_has_the_same_bytes(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify("--against", "own") == 0
    assert {*verdicts().values()} == {"same bytes"} and len(verdicts()) == 2
    assert "Is own reproduced? Yes: of 2 methods 2 same bytes." in capsys.readouterr().out
    page = Path("results/receipt/receipt.md").read_text()
    assert "±0.05, as the kept run states" in page
    machine = read_json(kept / "about.json")["parts"][0]["machines"][0]
    assert re.search(rf"\| processor +\| {re.escape(machine['processor'])} ", page)
    assert f"| {machine['kernels']}" in page and "| transformers " in page
    assert "<table" in Path("results/receipt/receipt.html").read_text()


def test_weights_and_curves_have_digests_and_what_is_read_of_them_has_none(kept: Path) -> None:
    names = {Path(path).name for path in pd.read_csv(kept / "seed1/digests.csv")["path"]}
    assert names == {"model.safetensors", "heads.safetensors", "train.csv", "curve.csv"}
    assert Path("results/pretrain/prototypical/seed1/dev/sst.csv").exists()


def test_the_receipt_is_a_crate_of_two_actions(kept: Path) -> None:
    verify("--against", "own")
    crate = read_json("results/receipt/ro-crate-metadata.json")
    found = {entity["@id"]: entity for entity in crate["@graph"]}
    assert {"@id": "https://w3id.org/ro/wfrun/workflow/0.5"} in found["./"]["conformsTo"]
    assert found["./"]["mainEntity"] == {"@id": "Snakefile"}
    run, comparison = (found[action["@id"]] for action in found["./"]["mentions"])
    assert run["instrument"] == {"@id": "Snakefile"} and {"@id": "params.yaml"} in run["object"]
    assert {"@id": "results/tables/table1.csv"} in run["result"] == comparison["object"]
    for name in ("Snakefile", "params.yaml", "results/tables/table1.csv", "receipt.html"):
        assert (Path("results/receipt") / name).is_file()


def test_other_weights_with_the_same_answers_are_equivalent(kept: Path) -> None:
    HEADS.write_bytes(HEADS.read_bytes()[:-1] + b"\1")
    assert verify("--against", str(kept)) == 0
    assert sorted(verdicts().values()) == ["equivalent", "same bytes"]
    assert "every prediction is the same; the weights are not" in Path("results/receipt/receipt.md").read_text()


def test_other_answers_are_different(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All sentiments right: far beyond the margin."""
    table = pd.read_csv(PREDICTED)
    table["prediction"] = table["gold"]
    table.to_csv(PREDICTED, index=False)
    metrics = PREDICTED.parents[1] / "metrics.json"
    found = read_json(metrics)
    found["test"]["overall"] += (1 - found["test"]["sst"]) / 3
    found["test"]["sst"] = 1.0
    metrics.write_text(json.dumps(found))
    assert verify("--against", "own") == 1
    assert "Is own reproduced? No" in capsys.readouterr().out
    assert "different" in verdicts().values()


def test_other_settings_or_no_runs_cannot_be_told(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patch_params(Path(), {"finetune": {"warmup": 0.2}})
    assert verify("--against", "own") == 2
    assert {*verdicts().values()} == {"cannot tell"}
    assert "finetune.warmup 0.1 -> 0.2" in capsys.readouterr().out
    shutil.rmtree("results/evaluate")
    assert verify("--against", "own") == 2
    assert "none of its methods and seeds was run here" in capsys.readouterr().err
    assert verify("--against", "nobody") == 2
    assert "nobody: no kept run; in docs/runs there are: own" in capsys.readouterr().err


def test_a_run_that_was_kept_without_digests_has_no_same_bytes(kept: Path) -> None:
    (kept / "seed1/digests.csv").unlink()
    about = read_json(kept / "about.json")
    del about["margin"], about["parts"][0]["machines"], about["parts"][0]["versions"]
    (kept / "about.json").write_text(json.dumps(about))
    (kept / "seed1/checkpoints.csv").write_text("path,md5\nresults/finetune/concat/seed1,other.dir\n")
    assert verify("--against", "own") == 0
    page = Path("results/receipt/receipt.md").read_text()
    assert {*verdicts().values()} == {"equivalent"} and "digests of the weights were not kept" in page
    assert "±0.02, protomtl's own" in page and re.search(r"\| processor +\| not recorded", page)


def test_a_run_may_be_kept_for_receipts_alone(kept: Path) -> None:
    keep("aside", findings=False)
    findings.write()
    page = Path("docs/results/findings.md").read_text()
    assert "## own" in page and "## aside" not in page
    assert verify("--against", "aside") == 0


@pytest.mark.parametrize(("off", "wrong"), [(0.0, False), (0.0002, True)])
def test_tables_of_an_older_run_are_compared_by_the_four_digits_that_they_have(
    off: float, wrong: bool, kept: Path
) -> None:
    for path in kept.glob("tables-*.csv"):
        table = pd.read_csv(path, dtype={"seeds": str})
        whole = table.select_dtypes("float")
        if path.name == "tables-table1.csv":
            whole["sst"] += off
        table.assign(**whole.round(4)).to_csv(path, index=False, lineterminator="\n")
    line, told = figures.of_run(kept, main_tasks(load().tasks))
    assert told == wrong
    said = "own: table1: not what the" if wrong else "own: 3 tables are what the predictions of its 2 trainings give"
    assert said in line


def test_figures_of_pages_and_tables_are_checked(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("README.md").write_text("0.5 by hand\n\n<!-- table: own tasks -->\n<!-- /table -->\n")
    assert verify("--figures") == 1  # neither the table nor the page of findings is there
    findings.write()
    capsys.readouterr()
    assert verify("--figures") == 0
    said = capsys.readouterr().out
    assert "docs/runs/own: 3 tables are what the predictions of its 2 trainings give" in said
    assert re.search(r"README\.md: \d+ figures of 1 tables made again: the same; 1 written by people", said)
    page = Path("README.md")
    page.write_text(re.sub(r"(\d)\.\d{3} ", r"\1.999 ", page.read_text(), count=1))
    assert verify("--figures") == 1
    findings.write()
    table = kept / "tables-table2.csv"
    table.write_text(table.read_text().replace(",1\n", ",2\n").replace("0.", "1.", 1))
    assert verify("--figures") == 1
    assert "own: table2: not what the predictions" in capsys.readouterr().out
    older = pd.read_csv(kept / "tables-comparisons.csv").drop(columns=["margin", "p_equal", "detectable"])
    older.to_csv(kept / "tables-comparisons.csv", index=False)
    assert verify("--figures") == 1
    assert re.search(r"own: .*comparisons: .* `protomtl keep own --again`", capsys.readouterr().out)
