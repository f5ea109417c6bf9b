"""The commands and the Python of README and tutorials run, on tiny data."""

import re
import sys
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.commands import call, recipe
from tests.support.makers import patch_params

FILES = {
    "reviews.csv": "review\ngood film\nbad film\n",
    "rated.csv": "review,stars\na good film,4\na bad film,0\na dull story,1\nthe film is good,3\n",
    "texts.jsonl": '{"text": "good film"}\n',
    "questions.txt": "the cat sits\n",
    "answers.csv": "text\nthe cat sits\na dull story\n",
    "labelled.csv": "text,label\nthe cat runs,animals\nthe guitar plays,music\n",
    "texts.csv": "text\nthe dog runs\n",
}
SLOW = ("make all", "make test", "make docs", "make .venv", "protomtl demo")  # each has its own test, or is all tests
PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs/tutorials").glob("*.md"))]


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of each block of code."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """The lines of its shell blocks, without what a comment says, that begin with a program of this project."""
    text = "\n".join(text for language, text in blocks(page) if language in ("", "sh", "bash"))
    lines = (line.split("  #")[0].strip() for line in text.splitlines())
    return [line for line in lines if re.match(r"(snakemake|dvc|protomtl|python -m protomtl|make|git|echo|cat) ", line)]


def run(project: Path, line: str) -> None:
    """One line of a page, in an environment that is there already."""
    if line.startswith("make "):
        line = recipe(line.split()[1])
    line = line.replace("concat_longer", "cosine").replace("git commit", "git commit --allow-empty")
    line = re.sub(r"(?<!-m )protomtl ", f"{sys.executable} -m protomtl ", line)
    call(project, "bash", "-euo", "pipefail", "-c", line)


def in_tutorials() -> set[str]:
    """What README repeats need not run twice."""
    return {line for page in PAGES[1:] for line in commands(page)}


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_says_can_be_done(page: str, project: Path) -> None:
    for name, text in FILES.items():
        (project / name).write_text(text)
    edited = False
    for line in commands(page):
        if "1.0e-4" in (ROOT / page).read_text() and line.startswith("snakemake -n") and not edited:
            patch_params(project, {"finetune": {"lr": 1e-4}})  # "edit params.yaml", as the page says there
            edited = True
        if not line.startswith(SLOW) and not (page == "README.md" and line in in_tutorials()):
            run(project, line)
    for language, text in blocks(page):
        if language == "python":
            call(project, sys.executable, "-c", text)
