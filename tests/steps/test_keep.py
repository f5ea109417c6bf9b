"""A run is kept in docs/runs, seed by seed if need be, and the page of findings is made of it."""

import copy
import functools
import json
import operator
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from protomtl.commands import findings
from protomtl.commands.keep import again, keep, older_parts
from protomtl.core.files import digest_folder, read_json
from protomtl.core.yaml_reader import read_yaml
from protomtl.params import load
from protomtl.publishing import markers
from protomtl.receipt import here
from protomtl.receipt.changed import NEUTRAL
from protomtl.receipt.kept import read
from protomtl.receipt.trained import digest_as_dvc
from tests.support.commands import call
from tests.support.makers import patch_params
from tests.support.steps import run_method, run_steps


@pytest.fixture
def kept(workdir: Path, complete_once: Path) -> Path:
    """A project with seed 1 of two methods, which is kept as `own`."""
    with pytest.raises(SystemExit, match="no run is kept for the page"):
        findings.write()
    with pytest.raises(SystemExit, match=r"table1\.csv: not there"):
        keep("own")
    shutil.copytree(complete_once / "results", workdir / "results")
    with pytest.raises(SystemExit, match=r"^dvc\.lock: not there; run"):
        keep("own")
    (workdir / "dvc.lock").write_text("{schema: '2.0', stages: {}}")
    with pytest.raises(SystemExit, match=r"baseline/seed1/config\.json: not there; run"):
        keep("own")
    before = Path(shutil.copy(workdir / "params.yaml", workdir / "before"))
    shutil.copy(complete_once / "params.yaml", workdir)
    with pytest.raises(SystemExit, match=r"^git rev-parse: .*not a git repository.*; a run is kept with its commit$"):
        keep("own")
    before.replace(workdir / "params.yaml")
    call(workdir, "git", "init", "-q")
    call(workdir, "git", "add", "params.yaml")
    call(workdir, "git", "commit", "-qm", "one")
    shutil.copytree(complete_once, workdir, dirs_exist_ok=True)
    with pytest.raises(SystemExit, match=r"^dvc\.lock: has no training of seed 1; run"):
        keep("own")
    assert not (workdir / "docs/runs/own").exists()
    keep_as(workdir, [1])
    return workdir / "docs/runs/own"


def test_what_is_no_kept_run_is_not_replaced(kept: Path) -> None:
    (kept.with_name("notes")).mkdir()
    (kept.with_name("notes") / "mine.md").write_text("mine")
    with pytest.raises(SystemExit, match=r"^docs/runs/notes: is there already and holds no kept run; choose another"):
        keep("notes")
    assert (kept.with_name("notes") / "mine.md").read_text() == "mine"


def run_and_keep(workdir: Path, seeds: list[int], name: str = "own") -> None:
    patch_params(workdir, {"seeds": seeds, "embed": {"seed": seeds[0]}, "export": {"seed": seeds[0]}})
    for seed in seeds:
        for method in ("concat", "prototypical"):
            run_method(method, "pretrain", "finetune", "evaluate", seed=seed)
    run_steps("collect", "tables", "ensemble")
    keep_as(workdir, seeds, name)


def keep_as(workdir: Path, seeds: list[int], name: str = "own") -> None:
    """With the lock that DVC would have written."""
    write_lock(workdir, seeds)
    keep(name)


def write_lock(workdir: Path, seeds: list[int], pretrained: str = "def.dir", embed_seed: int = 1) -> None:
    """pretrained: the digest of the encoder that `embed` looked at; embed_seed: with which it was run."""
    said = load(workdir / "params.yaml")
    embed = {"embed": said.embed.model_dump() | {"seed": embed_seed}}
    encoder = f"results/pretrain/{said.embed.method}/seed{embed_seed}"
    stages = {
        f"finetune@concat-{seed}": {"outs": [{"path": f"results/finetune/concat/seed{seed}", "md5": "abc.dir"}]}
        for seed in seeds
    }
    stages |= {
        "prepare": {"params": {"params.yaml": {"data": said.data.model_dump()}}},
        f"pretrain@{said.embed.method}-{embed_seed}": {"outs": [{"path": encoder, "md5": "def.dir"}]},
        "embed": {"params": {"params.yaml": embed}, "deps": [{"path": encoder, "md5": pretrained}]},
        "tables": {"outs": [{"path": "x", "md5": "y"}]},
    }
    (workdir / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))


def tables_of(folder: Path, prefix: str = "") -> list[bytes]:
    return [(folder / f"{prefix}{name}.csv").read_bytes() for name in ("table1", "table2", "comparisons")]


def test_a_run_is_kept_and_the_page_is_made_of_it(workdir: Path, kept: Path) -> None:
    outs = ["results/finetune/concat/seed1,abc.dir", "results/pretrain/prototypical/seed1,def.dir"]
    assert (kept / "seed1/checkpoints.csv").read_text().splitlines() == ["path,md5", *outs]
    assert tables_of(kept, "tables-") == tables_of(workdir / "results/tables")
    predicted = pd.read_parquet(kept / "seed1/predictions.parquet").set_index(["split", "task"]).loc[("test", "sst")]
    stored = pd.read_csv(workdir / "results/evaluate/concat/seed1/test/sst.csv")
    assert (
        predicted[["id", "gold", "concat"]].to_numpy().tolist()
        == stored[["id", "gold", "prediction"]].to_numpy().tolist()
    )
    findings.write()
    page = (workdir / "docs/results/findings.md").read_text()
    assert "Data: folder" in page and "Seeds 1: commit" in page and ", with changes to params.yaml" in page
    assert "**Does prototypical pre-training help?** `prototypical` minus `concat`, test:" in page
    assert "softmax" not in page  # what was not run is not asked
    for picture in ("table1.png", "differences.png", "embed-figure1.png"):
        assert (kept / picture).read_bytes().startswith(b"\x89PNG")
    assert "](../runs/own/differences.png)" in page
    findings.write()
    assert (workdir / "docs/results/findings.md").read_text() == page


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
    for name in ("why.md", "seed1/why.md", "notes/why.md"):
        (kept / name).parent.mkdir(exist_ok=True)
        (kept / name).write_text("mine")
    keep("own")  # the same seeds take the place of both parts, and what else is there stays
    assert [part["seeds"] for part in read_json(kept / "about.json")["parts"]] == [[1, 2]]
    assert digest_folder(kept).keys() - digest_folder(whole).keys() == {"why.md", "seed1/why.md", "notes/why.md"}


def test_a_part_of_another_run_is_refused(workdir: Path, kept: Path) -> None:
    before = digest_folder(kept)
    patch_params(workdir, {"finetune": {"warmup": 0.2}})
    with pytest.raises(SystemExit, match=r"own/about\.json: kept with other `finetune` than params\.yaml has; keep"):
        run_and_keep(workdir, [2])
    assert digest_folder(kept) == before


def test_the_tables_of_a_kept_run_are_made_again_of_it_alone(
    workdir: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings of now: another margin is in them. Its figures stay, whatever the results here are."""
    before = tables_of(kept, "tables-")
    shutil.rmtree(workdir / "results")
    again("own")
    assert tables_of(kept, "tables-") == before
    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", lambda _, path, **more: path.write_text("half") / 0)
        with pytest.raises(ZeroDivisionError):
            again("own")
    assert tables_of(kept, "tables-") == before
    patch_params(workdir, {"margin": 0.3})
    again("own")
    made = pd.read_csv(kept / "tables-comparisons.csv")
    assert set(made["margin"]) == {0.3} and tables_of(kept, "tables-")[:2] == before[:2]
    references = set(made["reference"])
    patch_params(workdir, {"compare": []})
    again("own")
    assert set(pd.read_csv(kept / "tables-comparisons.csv")["reference"]) == references != set()
    (kept / "seed1/predictions.parquet").unlink()
    with pytest.raises(
        SystemExit, match=r"seed1/predictions\.parquet: not there; the predictions of this run were not"
    ):
        again("own")


def test_tables_of_other_tasks_are_not_made_again(workdir: Path, kept: Path) -> None:
    about = read_json(kept / "about.json")
    del about["tasks"]["sts"]
    (kept / "about.json").write_text(json.dumps(about))
    with pytest.raises(SystemExit, match=r"own: a run of .*sts.*, but params\.yaml has"):
        again("own")


OTHER_SETTINGS = {  # a key of params.yaml, its value, what is said
    ("finetune.lr", 0.001): r"^results/finetune/concat/seed1/config\.json: concat seed 1 was trained with finetune\.lr "
    r"0\.0003, but params\.yaml has 0\.001; run `snakemake",
    ("method.concat.finetune.weights", (("sst", 2.0),)): r"finetune\.weights\.sst nothing, but params\.yaml has 2\.0;",
    ("pretrain.lr", 0.001): r"^results/pretrain/prototypical/seed1/config\.json: .* with pretrain\.lr 0\.0003, but",
    (
        "method.prototypical.pretrain",
        False,
    ): r"^results/finetune/prototypical/.*with start .*has data/backbone;",
    ("method.concat.pretrain", ()): r"^results/pretrain/concat/seed1/config\.json: not there; run",
    ("tasks.sst.ordered", False): r"with tasks\.sst\.ordered True, but params\.yaml has False;",
    ("backbone.pooling", "cls"): r"with backbone\.pooling mean, but params\.yaml has cls;",
    ("data.split_seed", 7): r"^dvc\.lock: prepare was run with data\.split_seed 2024, but params\.yaml has 7;",
}


def test_results_of_other_settings_are_not_kept(workdir: Path, kept: Path) -> None:
    """They would be kept under the settings of params.yaml, with which they were not made."""
    before = read_yaml(workdir / "params.yaml")
    for (key, value), told in OTHER_SETTINGS.items():
        content = copy.deepcopy(before)
        *above, last = key.split(".")
        block = functools.reduce(operator.getitem, above, content)
        block[last] = dict(value) if isinstance(value, tuple) else value
        (workdir / "params.yaml").write_text(json.dumps(content))
        with pytest.raises(SystemExit, match=told):
            keep("other")
    assert not kept.with_name("other").exists()


def test_predictions_of_another_training_are_not_kept(workdir: Path, kept: Path) -> None:
    lock = read_json(Path("dvc.lock"))
    trained = "results/finetune/concat/seed1"
    lock["stages"]["evaluate@concat-1"] = {"deps": [{"path": trained, "md5": "other.dir"}]}
    Path("dvc.lock").write_text(json.dumps(lock))
    with pytest.raises(
        SystemExit, match=rf"^dvc\.lock: evaluate@concat-1 was run with another {trained} than is here;"
    ):
        keep("other")


def test_an_ensemble_of_other_runs_is_not_kept(workdir: Path, kept: Path) -> None:
    """Its figures would stand beside those of runs that are not in it."""
    path = Path("results/ensemble/weights.csv")
    whole = pd.read_csv(path)
    without = "^results/ensemble/weights.csv: concat seed 1 is no member of the ensemble of params.yaml; run `snakemake"
    for changed, told in (
        (whole[whole["method"] != "concat"], without),
        (whole.replace("concat", "mine"), "mine seed 1 is a member of the ensemble, but no run of params.yaml; run"),
    ):
        changed.to_csv(path, index=False)
        with pytest.raises(SystemExit, match=told):
            keep("other")
    path.unlink()
    with pytest.raises(SystemExit, match=r"^results/ensemble/weights\.csv: not there; run"):
        keep("other")


def test_an_ensemble_of_other_predictions_is_not_kept(workdir: Path, kept: Path) -> None:
    """The same runs, evaluated again since: dvc.lock has the digest of the folder of all of them, as DVC makes it."""
    lock, folder = read_json(Path("dvc.lock")), Path("results/evaluate")
    one = {"path": f"{folder}/concat/seed1", "md5": digest_as_dvc(folder / "concat/seed1")}
    lock["stages"]["evaluate@concat-1"] = {"outs": [one]}
    disk = LocalFileSystem()
    built = build(HashFileDB(disk, str(workdir / "cache")), str(folder.resolve()), disk, "md5", dry_run=True)
    lock["stages"]["ensemble"] = {"deps": [{"path": str(folder), "md5": built[2].hash_info.value}]}
    Path("dvc.lock").write_text(json.dumps(lock))
    (folder / ".snakemake_timestamp").touch()
    keep("other")
    with (folder / "concat/seed1/dev/sst.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(SystemExit, match=r"^dvc\.lock: ensemble was run with another results/evaluate than is here"):
        keep("other")


@pytest.mark.parametrize("stale", [{"pretrained": "older.dir"}, {"embed_seed": 2}])
def test_figure_1_of_another_run_is_not_kept(
    workdir: Path, kept: Path, stale: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (kept / "embed-space.json").exists()
    write_lock(workdir, [1], **stale)
    keep("own")
    assert "results/embed: not of this run, as dvc.lock has it; it is not kept" in capsys.readouterr().out
    assert not [*kept.glob("embed-*")]


def test_what_the_report_says_of_stress_is_kept_and_tables_are_made_of_it(
    workdir: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not [*kept.glob("report-*")]  # dvc.lock has no report
    losses = pd.read_csv("results/report/robust.csv").set_index(["method", "task", "stress"])
    for digest, is_kept in (("abc.dir", True), ("older.dir", False)):
        lock = read_json(Path("dvc.lock"))
        lock["stages"]["report"] = {"deps": [{"path": "results/finetune/concat/seed1", "md5": digest}]}
        Path("dvc.lock").write_text(json.dumps(lock))
        keep("own")
        assert {path.name for path in kept.glob("report-*.csv")} == (
            {"report-robust.csv", "report-robust-failures.csv"} if is_kept else set()
        )
        if is_kept:
            said = markers.table("own noise overall concat", kept.parent).splitlines()
            (row,) = (line for line in said if "`typos_10`" in line)
            assert f" {losses.loc[('concat', 'overall', 'typos_10'), 'loss']:.3f} (" in row
            assert "`negated`" in markers.table("own failures para", kept.parent)
    assert "results/report: not of this run, as dvc.lock has it" in capsys.readouterr().out
    for wrong, told in {
        "own noise overall concat": "the run has no report-robust.csv; keep it again, behind `report`",
        "own primary": "the run has no report-robust-primary.json",
    }.items():
        with pytest.raises(markers.UnknownTable, match=told):
            markers.table(wrong, kept.parent)


def test_the_seed_of_another_split_is_kept_and_does_not_join(workdir: Path, kept: Path) -> None:
    """The default one has no key, as runs have none that were kept before."""
    assert not {"split_seed", "worsened"} & set(read_json(kept / "about.json"))
    params = load()
    for patch in ({"split_seed": 7}, {"worsened": params.data.worsened.model_copy(update={"rows": 9})}):
        data = params.data.model_copy(update={"source": "starter", **patch})
        said = here.settings(params.model_copy(update={"data": data}))
        assert {key for key in said if key in NEUTRAL} == {*patch}
        with pytest.raises(SystemExit, match=rf"kept with other `({'|'.join(['data', *patch])})`"):
            older_parts(kept, params.model_copy(update={"seeds": [2], "data": data}))
    older = read_json(kept / "about.json") | {"data": "starter", "split_seed": 7}
    (kept / "about.json").write_text(json.dumps(older))
    data = params.data.model_copy(update={"source": "starter"})
    with pytest.raises(SystemExit, match=r"kept with other `split_seed` than params\.yaml has"):
        older_parts(kept, params.model_copy(update={"seeds": [2], "data": data}))


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("ensemble", "results/ensemble"),
        ("finetune@concat-1", "results/curves/dev/concat/seed1"),
        ("evaluate@concat-1", "results/evaluate/concat/seed1"),
    ],
)
def test_what_is_damaged_is_not_kept(stage: str, path: str, workdir: Path, kept: Path) -> None:
    lock = json.loads((workdir / "dvc.lock").read_text())
    lock["stages"].setdefault(stage, {})["outs"] = [{"path": path, "md5": digest_as_dvc(Path(path))}]
    (workdir / "dvc.lock").write_text(json.dumps(lock))
    file = min(file for file in (workdir / path).rglob("*.csv"))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(SystemExit, match=rf"^{path}: other bytes than dvc\.lock records; `protomtl verify --repair`"):
        keep("other")
    assert not kept.with_name("other").exists()


DAMAGED = {  # file of a kept run -> what is in it
    "about.json": ["[]", "{}", '{"parts": null}', '{"parts": [{"seeds": 1}]}', "<<<<<<< HEAD"],
    "seed1/records.json": ["[]", "{}"],
    "seed1/predictions.parquet": ["", "PAR1"],
    "tables-table1.csv": ["", "<<<<<<< HEAD\n"],
    "tables-comparisons.csv": ["", "split,method\n"],
}
EDITED = {  # file of a kept run, what is in it -> what a merge, say, has made of it
    ("about.json", '"seeds": [\n        1\n      ]'): '"seeds": [1, 1]',
    ("seed1/records.json", '"overall": '): '"overall": 9.5, "was": ',
}


@pytest.mark.parametrize(("name", "old"), EDITED)
def test_a_kept_run_that_does_not_agree_with_itself_is_one_line(name: str, old: str, kept: Path) -> None:
    text = (kept / name).read_text()
    assert old in text
    (kept / name).write_text(text.replace(old, EDITED[name, old]))
    for way in (lambda: again("own"), lambda: read(kept)):
        with pytest.raises(SystemExit, match=r"docs/runs/own: damaged, not what [^\n]*; restore it by git$"):
            way()


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_kept_run_is_one_line_whatever_reads_it(name: str, kept: Path) -> None:
    ways = {"findings": findings.write, "again": lambda: again("own"), "read": lambda: read(kept)}
    for content in DAMAGED[name]:
        (kept / name).write_text(content)
        for what, way in ways.items():
            if (what, name) in UNREAD:
                continue
            with pytest.raises(SystemExit, match=r"^[^\n]*docs/runs/own[^\n]*damaged[^\n]*; [^\n]*$"):
                way()


UNREAD = {  # what does not look at a file
    ("findings", "seed1/records.json"),
    ("findings", "seed1/predictions.parquet"),
    ("again", "tables-comparisons.csv"),
    ("read", "tables-comparisons.csv"),
}
