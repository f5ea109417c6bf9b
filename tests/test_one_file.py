"""`make report`: one file with everything, made by Snakemake, that needs no network."""

import re
from pathlib import Path

from .commands import call


def test_the_report_is_one_file_that_holds_every_page(project: Path) -> None:
    call(project, "snakemake", "--report", "results/report.html")
    text = (project / "results/report.html").read_text(encoding="utf-8")
    for name in ("answer.html", "table1.html", "errors.html", "confusion-sst.png", "figure1.png", "curves.png"):
        assert name in text
    assert not re.search(r'(?:src|href)="https?:', text)
