"""Numbers of the command line have the limits of params.yaml; a step begins only when all of params.yaml is sound;
what the disk of a user may be like ends with one line."""

import argparse
import ast
import errno
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from protomtl import cli
from protomtl.core import runner
from tests.support import ROOT
from tests.support.commands import call

TEXTS = ["encode", "--model", "m", "--threads"]
NUMBERS = {  # a command before its number, and numbers that it refuses
    "a step's seed": (["pretrain", "--method", "concat", "--seed"], ["-1", str(2**32), "1.5", "one", "", "nan", "1e3"]),
    "an export's seed": (["export", "concat", "--to", "x", "--seed"], ["-1", str(2**32), "inf"]),
    "threads": (TEXTS, ["0", "-1", "1025", "9" * 30, "two"]),
    "top": (["similar", "--model", "m", "--among", "a", "--top"], ["0", "-1", "9" * 30]),
    "port": (["demo", "--port"], ["0", "-1", "65536", "http"]),
}


@pytest.mark.parametrize(("command", "number"), [(words, n) for words, found in NUMBERS.values() for n in found])
def test_a_number_beyond_its_limits_is_refused_by_the_parser(
    command: list[str], number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.run([*command, number])
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(rf"error: argument {command[-1]}: '{number[:50]}.*: Input should be ", last)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    return tmp_path


@pytest.mark.parametrize("step", runner.steps())
def test_no_step_begins_while_anything_in_params_yaml_is_wrong(
    step: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (project / "params.yaml").read_text()
    begun: list[str] = []
    monkeypatch.setattr(runner, "run", lambda step, method, seed, ready: ready() or begun.append(step))
    words = [step, *(["--method", "concat", "--seed", "1"] if runner.per_run(step) else [])]
    cli.run(words)
    for old, new, message in (
        ("  perplexity: 30 ", "  perplexity: -30 ", r"embed\.perplexity: -30: .*greater than 0"),
        ("\nseeds: [1] ", "\nseeds: [1, 1] ", r"seeds: .*1 is there twice"),
        ("  frozen: false ", "  frozen: no ", "no: is false to Snakemake"),
    ):
        assert old in text
        (project / "params.yaml").write_text(text.replace(old, new))
        with pytest.raises(SystemExit, match=message):
            cli.run(words)
    assert begun == [step]


def test_help_says_of_each_step_and_command_what_its_module_says_first() -> None:
    for path in (*map(runner.source, runner.steps()), *cli.commands().values()):
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]
        assert cli.docstring_line(path) == first.partition("`: ")[2].replace("%", "%%") != ""


@pytest.mark.parametrize("name", sorted({*runner.steps(), *cli.commands()}))
def test_help_says_what_each_argument_is_and_every_default(name: str) -> None:
    (commands,) = (a for a in cli.parser(name)._actions if isinstance(a, argparse._SubParsersAction))
    for action in commands.choices[name]._actions:
        assert action.help, action.dest
        if action.default not in (None, False, argparse.SUPPRESS):
            assert "(default: " in action.help, action.dest


def test_a_method_that_is_run_must_have_a_block(project: Path) -> None:
    with pytest.raises(SystemExit, match=r"params\.yaml: method: concta: .*; did you mean concat\?"):
        cli.run(["finetune", "--method", "concta", "--seed", "1"])


CLOSED = [
    errno.ENOENT,
    errno.ENAMETOOLONG,
    errno.EACCES,
    errno.EROFS,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EIO,
    errno.ELOOP,
]


@pytest.mark.parametrize("number", CLOSED)
def test_a_path_that_is_closed_or_of_another_kind_is_named(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(words: list[str]) -> None:
        raise OSError(number, os.strerror(number), "docs/runs/x")

    monkeypatch.setattr(cli, "run", fail)
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main()
    assert capsys.readouterr().err == f"docs/runs/x: {os.strerror(number)}\n"


@pytest.mark.parametrize("name", ["../results", "/results/x", ".", "..", "", "a/b", "current", "a b", "é", "-x", "~"])
def test_a_run_is_kept_under_a_name_and_nowhere_else(
    name: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever lies in its place is replaced."""
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.run(["keep", "--", name])
    assert "make a name here" in capsys.readouterr().err


WRONG = {  # words of a command line, and how its line begins
    "no such run": (["export", "concat", "--to", "x"], "results/finetune/concat/seed1: there is no such run"),
    "half of a command": (["export", "--to", "x"], "protomtl export --to, --seed"),
    "examples of a static copy": (
        ["export", "concat", "--to", "x", "--examples", "5", "--format", "static"],
        "protomtl export --examples: an export of format static keeps none",
    ),
    "another half": (["verify", "--margin", "0.1"], "protomtl verify --margin needs --against"),
    "no project": (["verify"], "dvc.lock: not there"),
    "no presets": (["preset", "nothing"], "presets: no presets there; run from the root of the project"),
    "nothing kept": (["verify", "--against", "nothing"], "nothing: no kept run"),
    "a method that is none": (["stress", "--method", "concta", "--seed", "1"], "params.yaml: method: concta"),
}


ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys
from protomtl import cli
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    with contextlib.redirect_stderr(io.StringIO()) as told:
        try:
            cli.main()
        except SystemExit as stop:
            print(json.dumps([stop.code, told.getvalue()]))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Status and words of each of WRONG, of one process: its imports, which take longest, must say nothing either."""
    folder = tmp_path_factory.mktemp("wrong")
    shutil.copy(ROOT / "params.yaml", folder)
    words = json.dumps([words for words, _ in WRONG.values()])
    done = call(folder, sys.executable, "-c", ONE_AFTER_THE_OTHER, words)
    assert not done.stderr and {path.name for path in folder.iterdir()} <= {"params.yaml", ".state"}
    return dict(zip(WRONG, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("wrong", WRONG)
def test_what_a_user_gets_wrong_is_one_line_and_status_2(wrong: str, told: dict[str, tuple[int, str]]) -> None:
    code, said = told[wrong]
    assert code == 2 and said.startswith(WRONG[wrong][1]) and said.count("\n") == 1, said


@pytest.mark.parametrize(("command", "end"), [("finetune", " to go on"), ("predict", "")])
def test_an_interrupted_command_has_the_status_of_one(
    command: str, end: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a step goes on where it was; `predict` begins anew."""

    def interrupt(words: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupt)
    monkeypatch.setattr("sys.argv", ["protomtl", command])
    with pytest.raises(SystemExit, match=r"^130$"):
        cli.main()
    assert capsys.readouterr().err == f"interrupted; run the same command again{end}\n"


@pytest.mark.parametrize(
    ("stream", "command"), [("<&-", "--help"), (">&-", "--help"), ("2>&-", "--help"), ("<&- >&- 2>&-", "summary")]
)
def test_a_stream_that_is_closed_is_none_and_no_other_file(stream: str, command: str, project: Path) -> None:
    call(project, "sh", "-c", f"{shlex.quote(sys.executable)} -m protomtl {command} {stream}")
    opened = "open('held', 'w').write(str(open('params.yaml').fileno() > 2))"
    held = f"from protomtl import cli; cli.hold_streams(); {opened}"
    call(project, "sh", "-c", f"{shlex.quote(sys.executable)} -c {shlex.quote(held)} {stream}")
    assert (project / "held").read_text() == "True"


@pytest.mark.parametrize("read", [pq.ParquetFile, pq.read_table])
def test_a_table_that_is_not_there_yet_is_named(
    read: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """pyarrow says so in its text only: in quotes, or bare."""
    monkeypatch.setattr(cli, "run", lambda _: read("data/prepared/mood/train.parquet"))
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main()
    said = capsys.readouterr().err
    assert said.startswith("data/prepared/mood/train.parquet: not there; run the step that makes it first")


def test_a_current_folder_that_is_gone_is_said(project: Path) -> None:
    (project / "gone").mkdir()
    command = f"cd gone && rmdir ../gone && {shlex.quote(sys.executable)} -m protomtl check"
    said = call(project, "sh", "-c", command, code=2)
    assert said.stderr == "the current folder is gone; change to one that is there\n"


def test_other_faults_of_the_system_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(words: list[str]) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(cli, "run", fail)
    with pytest.raises(OSError, match="Bad file descriptor"):
        cli.main()


BEGUN = """
import gc, sys
from protomtl import cli
from protomtl.core import files, runner
digest = files.digest_folder
files.digest_folder = lambda path: print(*sys.modules) or digest(path)
runner.arguments = lambda *_: print(*sys.modules) or print(gc.isenabled(), gc.get_freeze_count()) or sys.exit()
sys.argv[1:] = ["collect"]
cli.main()
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("begun")
    shutil.copy(ROOT / "params.yaml", folder)
    return call(folder, sys.executable, "-c", BEGUN).stdout.splitlines()


def test_a_step_stands_for_all_sources_that_it_imports_and_for_none_of_the_check(begun: list[str]) -> None:
    """An edit while it is imported counts, and one of another step's settings is no reason to throw its result away."""
    hashed, working, _ = begun
    assert "protomtl.steps.collect" not in hashed.split() and "protomtl.steps.collect" in working.split()
    assert not {"protomtl.params", "protomtl.training.settings", "protomtl.steps.embed.settings"} & {*working.split()}


def test_garbage_is_collected_where_a_step_works_and_not_among_modules(begun: list[str]) -> None:
    *_, said = begun
    enabled, frozen = said.split()
    assert enabled == "True" and int(frozen) > 10_000
