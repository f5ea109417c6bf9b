"""Degenerate data, step by step and command by command: a right result, or one clear line before any training."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from protomtl import cli
from protomtl.analysis.comparisons import NOTHING as NOTHING_COMPARED
from protomtl.commands import summary
from protomtl.core.yaml_reader import read_yaml
from tests.support import ROOT
from tests.support.commands import call
from tests.support.makers import make_workdir, patch_params
from tests.support.steps import AFTER, UNTRAINED, run_method, run_steps

FILES = ("ids-sst", "quora", "sts")
SPLITS = ("train", "dev", "test")
Change = Callable[[int, list[str]], list[str]]  # of a row: its number and its fields
SIGNS = ["a|b", "$x$", "<b>", "*", "`_["]  # class names that mean something elsewhere
NOTHING = {"sts": None, "sts_spearman": None, "overall": None}


def change(row: Change, files: tuple[str, ...] = FILES, splits: tuple[str, ...] = SPLITS, most: int = 99) -> None:
    """Rewrite files of data/own, with at most so many rows."""
    for path in [Path("data/own") / f"{name}-{split}.csv" for name in files for split in splits]:
        head, *lines = path.read_text().splitlines()
        rows = [row(number, line.split("\t")) for number, line in enumerate(lines[:most])]
        path.write_text("\n".join([head, *map("\t".join, rows)]) + "\n")


def texts(text: str) -> Change:
    return lambda _, row: [*row[:2], *[text] * (len(row) - 3), row[-1]]


def label(of: Callable[[int], str]) -> Change:
    return lambda number, row: [*row[:-1], of(number)]


def few(rows: int) -> None:
    change(lambda _, row: row, most=rows)


def class_missing() -> None:
    change(label(lambda number: str(1 + number % 4)), ("ids-sst",), ("train",))
    change(label(lambda number: str(number % 2)), ("ids-sst",), ("dev",))
    change(label(lambda number: "0.0"), ("quora",), ("train",))
    markup = "a | b $c$ <b>d</b> *e*"
    yaml_of_method = {name: {**method(name), "label": f"{markup} {name}"} for name in ("concat", "prototypical")}
    patch_params(Path(), {"method": yaml_of_method, "tasks": {"sst": {**task("sst"), "classes": SIGNS}}})


def forty_classes() -> None:
    """Nearly one for each row of training, and more than rows of dev, as of intents."""
    change(label(lambda number: str(number * 7 % 40)), ("ids-sst",))
    names = [f"topic {k}" for k in range(40)]
    patch_params(Path(), {"tasks": {"sst": {**task("sst"), "classes": names, "ordered": False}}})


def method(name: str) -> dict[str, Any]:
    return dict(section("method")[name])


def task(name: str) -> dict[str, Any]:
    return dict(section("tasks")[name])


def section(name: str) -> dict[str, Any]:
    return dict(read_yaml(Path("params.yaml"))[name])


WORLDS: dict[str, tuple[Callable[[], object], dict[str, float | None]]] = {  # and what figures on dev must be
    "one row": (lambda: few(1), NOTHING),
    "two rows": (lambda: few(2), NOTHING),
    "three rows": (lambda: few(3), {}),
    "four rows": (lambda: few(4), {}),
    "one class": (lambda: change(label(lambda _: "1")), NOTHING | {"sst_nearest": 1.0, "para_nearest": 1.0}),
    "a class is missing, names are signs": (class_missing, {}),
    "forty classes": (forty_classes, {}),
    "equal texts": (lambda: change(texts("a film")), NOTHING),
    "long texts": (lambda: change(texts("a dull film " * 700)), NOTHING),
}
LAID_OUT = ("one row", "a class is missing, names are signs")  # figures that are not defined, and odd names


def stopped(call: Callable[[], object]) -> str:
    """Why a step or a command stops; it is one line. Empty if it does not."""
    try:
        call()
    except SystemExit as error:
        assert isinstance(error.code, str) and "\n" not in error.code, error.code
        return error.code
    return ""


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in JSON")


@pytest.mark.parametrize("name", WORLDS)
def test_every_step_and_command_gives_a_result(
    name: str, tiny_backbone: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    build, wanted = WORLDS[name]
    if name in LAID_OUT:
        request.getfixturevalue("whole_pictures")
    with chdir(make_workdir(tmp_path, tiny_backbone)):
        patch_params(Path(), {"methods": ["concat", "prototypical"], "tokens": {"max_length": 64}})
        patch_params(Path(), {phase: {"epochs": 1, "steps_per_epoch": 2} for phase in ("pretrain", "finetune")})
        build()
        run_steps(*UNTRAINED)
        for run in ("concat", "prototypical"):
            run_method(run)
        run_steps(*AFTER)
        if name == "equal texts":  # what does not depend on the data
            shutil.copy(ROOT / "dvc.yaml", "dvc.yaml")
            summary.show()
            commands()
        found = json.loads(Path("results/evaluate/concat/seed1/metrics.json").read_text())["dev"]
        assert {figure: found[figure] for figure in wanted} == wanted
        keep_and_find()
        told = capfd.readouterr()
        for text in (told.out, told.err, *(path.read_text() for path in written("json", "csv", "md", "html"))):
            assert not re.search(r"\b(nan|NaN|Infinity|inf)\b", text)
        for path in written("json"):
            json.loads(path.read_text(), parse_constant=refuse)
        for path in written("md"):
            tables_are_whole(path.read_text())
        noted(wanted, certain=name not in ("three rows", "four rows"))


def keep_and_find() -> None:
    """Keep the run, and write the page of findings of it."""
    for command in ("init -q", "add params.yaml", "commit -qm one"):
        call(Path(), "git", *command.split())
    stages = {"finetune@concat-1": {"outs": [{"path": "results/finetune/concat/seed1", "md5": "abc.dir"}]}}
    Path("dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))
    cli.run(["keep", "own"])
    cli.run(["findings"])
    page = Path("docs/results/findings.md").read_text()
    assert "## own" in page and ("Does prototypical pre-training help?" in page or NOTHING_COMPARED in page)
    assert Path("docs/runs/own/table1.png").exists()


def written(*endings: str) -> list[Path]:
    return [path for ending in endings for top in ("results", "docs") for path in Path(top).rglob(f"*.{ending}")]


def tables_are_whole(text: str) -> None:
    """In each table of Markdown all lines have as many cells."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table
    outside_of_code = re.sub("```.*?```", "", text, flags=re.S)
    assert "<b>" not in outside_of_code.replace(r"\<b>", "")


def noted(wanted: dict[str, float | None], certain: bool) -> None:
    """What is not defined is empty in tables, `n/a` where people read, and said to be so.

    An interval of so few rows is not certain: too many resamples have equal labels. Rows that are all right have none.
    """
    undefined = None in wanted.values()
    table = pd.read_csv("results/tables/table1.csv")
    assert table["sts"].isna().all() == table["overall"].isna().all() == undefined
    assert table["sts_low"].isna().all() == (undefined or not certain)
    for path in ("results/tables/table1.md", "results/export/README.md", "results/report/table1.html"):
        assert "no interval" in Path(path).read_text() or certain, path
    for path in ("results/tables/table1.md", "results/export/README.md", "results/report/table1.html"):
        assert ("n/a" in Path(path).read_text()) == undefined, path
    assert ("n/a: the figure says nothing" in Path("results/tables/table1.md").read_text()) == undefined


def commands() -> None:
    """The commands for a user's own texts: of one row, of equal and of long ones."""
    Path("support.csv").write_text("text,label\nfilm,a\nfilm,b\n")
    Path("none.csv").write_text("text\n")
    for number, rows in enumerate((["film"], ["film"] * 3, ["dull film " * 999, "a"])):
        Path("in.csv").write_text("\n".join(["text", *rows]) + "\n")
        for words in ("predict --task sst", "encode", "similar --among in.csv", "classify --support support.csv"):
            output = f"{words.split()[0]}{number}.jsonl"
            cli.run([*words.split(), "--model", "results/export", "--input", "in.csv", "--output", output])
            found = [json.loads(line, parse_constant=refuse) for line in Path(output).read_text().splitlines()]
            assert list(dict.fromkeys(row["text"] for row in found)) == list(dict.fromkeys(rows))
            with pytest.raises(SystemExit):
                cli.run([*words.split(), "--model", "results/export", "--input", "none.csv", "--output", output])


def test_without_rows_and_where_muppet_has_no_scale_it_stops_before_training(
    tiny_backbone: Path, tmp_path: Path
) -> None:
    with chdir(make_workdir(tmp_path, tiny_backbone)):
        run_steps("backbone")
        change(label(lambda _: "1"))
        run_steps("download", "prepare", "tokens")
        assert stopped(lambda: run_method("muppet", "pretrain")) == (
            "tasks.sts: all labels of the train split are 1; the loss is divided by their variance"
        )
        for split in SPLITS:
            few(2)
            change(lambda _, row: row, ("sts",), (split,), 0)
            run_steps("download")
            assert stopped(lambda: run_steps("prepare")) == f"tasks.sts: the {split} split has no row left"
            change(label(lambda _: "1"), ("sts",), (split,))
            shutil.copy(f"data/own/sts-{'dev' if split != 'dev' else 'test'}.csv", f"data/own/sts-{split}.csv")
