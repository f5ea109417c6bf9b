"""What the report says of its pages and pictures, as Snakemake renders it, is true of anyone's tasks."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Environment

from tests.support import ROOT

TASKS = {"mood": {}, "topic": {}, "more": {"auxiliary": True}, "stars": {}}
CAPTIONS = sorted((ROOT / "workflow/report").glob("*.rst"))
PAPERS = r"\b(sst|para|sts|sentiment|similarity|accuracy|pearson)\b"


def rendered(path: Path, names: list[str], page: str = "") -> str:
    """The caption of a page of a run with these tasks."""
    config = {"tasks": {name: TASKS[name] for name in names}}
    job = SimpleNamespace(config=config, wildcards=SimpleNamespace(page=page))
    environment = Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701  # no HTML
    return environment.from_string(path.read_text()).render(snakemake=job)


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.name)
def test_a_caption_names_neither_tasks_nor_figures_of_the_paper(path: Path) -> None:
    pages = ("answer", "table1", "comparisons", "data", "errors", "perturbed", "robust", "versions", "confusion-mood")
    for page in pages:
        said = rendered(path, [*TASKS], page)
        assert said and not re.search(PAPERS, said, re.IGNORECASE), page


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["mood"], "``mood``:"),
        (["mood", "topic"], "``mood`` and ``topic``:"),
        ([*TASKS], "``mood``, ``topic`` and ``stars``:"),
    ],
)
def test_the_first_page_names_the_main_tasks(names: list[str], words: str) -> None:
    said = rendered(ROOT / "workflow/report/workflow.rst", names)
    assert said.startswith(f"One encoder for {words} does prototypical pre-training help?")
