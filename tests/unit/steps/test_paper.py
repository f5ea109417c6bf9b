"""The paper's own numbers, which the tables stand beside."""

import pandas as pd

from protomtl import params
from tests.support import ROOT

PAPER = ROOT / "src/protomtl/steps/tables/paper.csv"


def test_every_row_of_the_paper_averages_to_its_overall() -> None:
    """Within the paper's own rounding; the numbers are compared with the notes by eye once and kept so."""
    paper = pd.read_csv(PAPER)
    mean = paper[["sst", "para", "sts"]].mean(axis=1)
    assert (mean - paper["overall"]).abs().max() < 0.0011
    assert set(paper["method"]) == set(params.load(ROOT / "params.yaml").methods[:13])
