"""`protomtl try` on a few rows: what it fetches and when, its rows, and answers that are the model's own."""

import importlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import protomtl
from protomtl import cli, params, quick_model
from protomtl.core import runner
from protomtl.core.files import digest_folder
from tests.support.makers import patch_params

command = importlib.import_module("protomtl.commands.try")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the steps that run from now on."""
    names, run = [], runner.run

    def recorded(step: str) -> None:
        names.append(step)
        run(step)

    monkeypatch.setattr(runner, "run", recorded)
    return names


def test_it_fetches_once_and_again_what_other_parameters_make(workdir: Path, steps: list[str]) -> None:
    command.fetch()
    assert steps == ["download", "backbone", "prepare", "tokens"]
    command.fetch()
    assert len(steps) == 4
    patch_params(workdir, {"tokens": {"max_length": 16}})
    command.fetch()
    assert steps[4:] == ["tokens"]
    patch_params(workdir, {"data": {"max_train_rows": 20}})
    command.fetch()
    assert steps[5:] == ["download", "backbone", "prepare", "tokens"]


def test_what_the_pipeline_made_is_taken_if_its_parameters_are_todays(prepared: Path, steps: list[str]) -> None:
    content = command.read_yaml(Path("params.yaml"))
    lock = {
        "stages": {
            step: {"params": {"params.yaml": {name: content[name] for name in names}}}
            for step, names in {
                "download": ("data", "tasks"),
                "backbone": ("backbone",),
                "prepare": ("data", "tasks"),
                "tokens": ("tokens", "tasks"),
            }.items()
        }
    }
    YAML().dump(lock, Path("dvc.lock"))
    command.fetch()
    assert steps == []
    lock["stages"]["tokens"]["params"]["params.yaml"]["tokens"] = {"max_length": 7}
    YAML().dump(lock, Path("dvc.lock"))
    command.fetch()
    assert steps == ["tokens"]


def test_answers_are_those_of_a_model_that_is_fitted_once(
    prepared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.run(["try", "a great film", "a dull story"])
    told = capsys.readouterr()
    assert "fitting the heads" in told.err
    lines = told.out.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "a great film",
        "a dull story",
        "a great film | a dull story",
    ]
    model = protomtl.load(quick_model.FOLDER)
    likely = model.predict_proba("sst", "a great film")
    assert f" {likely.max():.2f}" in lines[1] and lines[1].startswith("  sst: ")
    value = model.predict("sts", ("a great film", "a dull story"))
    assert lines[-1] == f"  sts: {value:.2f} of 0 to 5"
    monkeypatch.setattr(quick_model, "write", None)  # nobody calls it again
    monkeypatch.setattr(sys, "stdin", io.StringIO("a great film\n\na great film\ta dull story\n"))
    cli.run(["try"])
    assert capsys.readouterr().out.splitlines() == [*lines[:2], *lines[4:]]


def test_the_map_of_the_demo_is_drawn_when_it_is_asked_for(prepared: Path) -> None:
    chosen = params.load()
    folder = quick_model.quick_model(chosen, with_map=False)
    with pytest.raises(ValueError, match=r"map\.safetensors: is not there"):
        protomtl.load(folder).map("sst")
    before = (folder / "heads.safetensors").stat().st_ino
    for _ in "12":
        assert quick_model.quick_model(chosen, with_map=True) == folder
    assert (folder / "heads.safetensors").stat().st_ino == before  # nothing else is made anew
    vectors, classes, places = protomtl.load(folder).map("sst")
    assert len(vectors) == len(classes) == len(places) > 5


def test_a_row_of_three_texts_and_a_block_that_is_gone_are_named(prepared: Path) -> None:
    with pytest.raises(SystemExit, match="a row has one text or two, not 3"):
        command.parted("a\tb\tc")
    chosen = params.load()
    others = {name: method for name, method in chosen.method.items() if name != quick_model.METHOD}
    with pytest.raises(SystemExit, match=r"method\.frozen_logistic: this block is missing"):
        quick_model.quick_model(chosen.model_copy(update={"method": others}), with_map=False)


def test_what_is_damaged_is_one_line_and_a_lock_is_not_needed(
    prepared: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for lock in ("stages: [", "<<<<<<< HEAD\n", "", "stages: 5", "[]"):
        Path("dvc.lock").write_text(lock)
        assert command.recorded() == {}
    cli.run(["try", "a great film"])
    assert steps == ["download", "backbone", "prepare", "tokens"]  # nobody says what made those that are there
    with pytest.raises(SystemExit, match=r"protomtl try: row 0: .*half of a pair"):
        cli.run(["try", "a \udcff film"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a \xff film\n"), encoding="utf-8"))
    with pytest.raises(SystemExit, match=r"protomtl try: .*can't decode byte 0xff"):
        cli.run(["try"])


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda whole: whole[:-9],
    "flipped": lambda whole: whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
    "other JSON": lambda whole: b"[1]",
}


def test_what_it_left_and_is_damaged_is_made_again(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answers() -> str:
        cli.run(["try", "a great film"])
        return capsys.readouterr().out

    said, whole = answers(), digest_folder(quick_model.FOLDER)
    for path in (command.NOTES, *(quick_model.FOLDER / name for name in ("protomtl.json", "heads.safetensors"))):
        for damage in DAMAGES.values():
            path.write_bytes(damage(path.read_bytes()))
            assert answers() == said and digest_folder(quick_model.FOLDER) == whole
    quick_model.quick_model(params.load(), with_map=True)
    (quick_model.FOLDER / "heads.safetensors").unlink()
    assert answers() == said and digest_folder(quick_model.FOLDER) == whole


def test_texts_that_no_task_reads_are_told_so(prepared: Path) -> None:
    model = protomtl.load(quick_model.quick_model(params.load(), with_map=False))
    model.tasks = {"sst": model.tasks["sst"]}
    assert list(command.answer(model, ("a", "b"))) == ["a | b", "  no task of params.yaml reads a pair"]


@pytest.mark.parametrize("lines", ["", " \n\t\n"])
def test_standard_input_without_a_text_is_told_what_is_expected_before_any_work(
    lines: str, workdir: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    with pytest.raises(SystemExit, match=r"^protomtl try: standard input has no text; give a TEXT, or a row a line: "):
        cli.run(["try"])
    assert steps == []


@pytest.mark.parametrize("words", [[""], ["a film", " \t"]])
def test_a_blank_text_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="a TEXT is blank; give each some words"):
        next(cli.command_module("try").given(words))
