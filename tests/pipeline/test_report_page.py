"""`make report`: one page that loads nothing from elsewhere; DVC's plots."""

import re
from pathlib import Path

from tests.support.commands import call


def test_the_report_names_no_address_to_load_from(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert len(page) > 10_000 and "finetune" in page
    assert not re.search(r'(?:src|href)="https?:', page)


def test_dvc_shows_its_plots_too(project: Path) -> None:
    call(project, "dvc", "plots", "show", "--out", "plots")
    assert "vega" in (project / "plots/index.html").read_text(encoding="utf-8")
