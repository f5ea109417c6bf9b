"""Each benchmark says what it is and takes the words that the pages and the Makefile give it."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

from tests.support import ROOT

PROGRAMS = [
    path.stem for path in sorted((ROOT / "benchmarks").glob("*.py")) if 'if __name__ == "__main__"' in path.read_text()
]
CALLS = {
    found[1].replace("$(DEVICE)", "cuda").strip()
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
