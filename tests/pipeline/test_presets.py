"""The preset `paper` as a whole run, small in data and encoder only."""

import shutil
from pathlib import Path

from protomtl import params
from protomtl.commands import preset
from tests.support import ROOT
from tests.support.makers import patch_params
from tests.support.steps import run_all


def test_paper_runs_from_end_to_end_on_a_tiny_backbone(workdir: Path, tiny_backbone: Path) -> None:
    """All methods with the paper's epochs and sampling; only data and encoder are small."""
    shutil.copy(ROOT / "params.yaml", workdir)
    preset.apply("paper")
    patch_params(workdir, {"data": {"source": "folder"}, "backbone": {"name": "folder", "folder": str(tiny_backbone)}})
    patch_params(workdir, {"tokens": {"max_length": 32}, "compute": {"precision": "fp32"}})
    patch_params(workdir, {"embed": {"samples": 6, "perplexity": 5}})
    run_all()
    table = (workdir / "results/tables/table1.csv").read_text()
    assert all(f"\n{method}," in table for method in params.load().methods)
