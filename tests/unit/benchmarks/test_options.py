"""Each benchmark says what it is and takes the words that the pages and the Makefile give it."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import options
from tests.support import ROOT

PROGRAMS = [
    path.stem for path in sorted((ROOT / "benchmarks").glob("*.py")) if 'if __name__ == "__main__"' in path.read_text()
]
CALLS = {
    re.sub(r"\$\(if \$\(NAME\),(.*)\$\(NAME\)\)", r"\1mine", found[1]).replace("$(DEVICE)", "cuda").strip()
    for path in (ROOT / "Makefile", ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    for found in re.finditer(r"python -m benchmarks\.([^`#\n]*)", path.read_text(encoding="utf-8"))
}


def ended(monkeypatch: pytest.MonkeyPatch, program: str, *words: str) -> int:
    """Call it as `python -m` does, in this process, which has the libraries already; the code with which it ends."""
    monkeypatch.setattr("sys.argv", [program, *words])
    monkeypatch.delitem(sys.modules, f"benchmarks.{program}", raising=False)
    with pytest.raises(SystemExit) as found:
        runpy.run_module(f"benchmarks.{program}", run_name="__main__")
    return int(found.value.code or 0)


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_says_how_to_call_it(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ended(monkeypatch, program, "--help") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: python -m benchmarks.{program} ")
    about = (ROOT / f"benchmarks/{program}.py").read_text().removeprefix('"""').partition("\n")[0]
    assert about in said


@pytest.mark.parametrize("call", sorted(CALLS))
def test_the_words_of_the_pages_are_understood(
    call: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With one word more nothing is run, and that one is all that is not understood."""
    monkeypatch.chdir(tmp_path)
    assert ended(monkeypatch, *call.split(), "--more") == 2
    assert capsys.readouterr().err.endswith(": error: unrecognized arguments: --more\n")


@pytest.mark.parametrize("word", ["0", "-300", "many"])
def test_a_size_is_a_whole_number_from_1(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ended(monkeypatch, "graph", "300", word) == 2
    assert capsys.readouterr().err.endswith(f"error: argument STAGES: '{word}': give a whole number from 1\n")


@pytest.mark.parametrize("call", ["engine 3 cuda", "gpu", "gpu training"])
def test_a_gpu_that_is_not_there_is_told_before_anything_is_fetched(
    call: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert ended(monkeypatch, *call.split()) == 2
    assert "error: cuda: torch sees no GPU here" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_benchmark_lacks_is_told_in_words(program: str) -> None:
    _, _, work = (ROOT / f"benchmarks/{program}.py").read_text().partition('if __name__ == "__main__":')
    assert work.count("    with options.in_words():\n") == 1


def test_a_table_of_operations_without_tokens_says_what_makes_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before the processor is measured."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.setattr("benchmarks.workload.peak", None)
    assert lacking(monkeypatch, "floor") == (
        "data/tokens/tokens.json: not there; run the step that makes it first, or `snakemake --cores 4 all`"
    )


def test_few_examples_need_the_encoder_and_a_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "find_spec", lambda name: name)  # as if the peers were installed
    said = lacking(monkeypatch, "fewshot", "results/export")
    assert said.startswith("data/backbone/config.json: not there: the encoder is not fetched yet")
    (tmp_path / "data/backbone").mkdir(parents=True)
    (tmp_path / "data/backbone/config.json").write_text("{}")
    assert "`protomtl export METHOD --to results/export`" in lacking(monkeypatch, "fewshot", "results/export")


def lacking(monkeypatch: pytest.MonkeyPatch, program: str, *words: str) -> str:
    """What it says when it ends, called as `ended` does."""
    monkeypatch.setattr("sys.argv", [program, *words])
    monkeypatch.delitem(sys.modules, f"benchmarks.{program}", raising=False)
    with pytest.raises(SystemExit) as found:
        runpy.run_module(f"benchmarks.{program}", run_name="__main__")
    return str(found.value.code)


def test_a_command_that_fails_and_an_interrupt_are_no_traceback() -> None:
    said = "git clone x: ended with status 128; it says why above"
    with pytest.raises(SystemExit, match=said), options.in_words():
        raise subprocess.CalledProcessError(128, ["git", "clone", "x"])
    with pytest.raises(SystemExit) as found, options.in_words():
        raise KeyboardInterrupt
    assert found.value.code == 130


@pytest.mark.parametrize("call", ["engine", "fewshot results/export"])
def test_peers_that_are_not_installed_are_told_before_anything_is_fetched(
    call: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "find_spec", lambda name: None)
    assert ended(monkeypatch, *call.split()) == 2
    assert "is not installed; `make .venv/bench` installs" in capsys.readouterr().err


def test_a_folder_of_data_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(options, "find_spec", lambda name: name)  # as if the peers were installed
    assert ended(monkeypatch, "gpu", "--device", "cpu", "--data", "/nowhere") == 2
    assert "error: --data: /nowhere is no folder" in capsys.readouterr().err
