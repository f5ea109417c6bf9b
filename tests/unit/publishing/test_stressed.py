"""Tables of stress, of kept files that are written here."""

import json
from pathlib import Path

import pytest

from protomtl.publishing import stressed

LOSSES = """method,task,kind,stress,rows,figure,clean,loss,low,high,relative
a,overall,noise,typos_10,1200,0.7,0.75,0.05,0.02,0.08,0.07
b,overall,noise,typos_10,1200,0.7,0.72,0.02,0.001,0.04,0.03
a,sst,noise,typos_10,500,0.5,0.6,0.1,,,0.17
a,sst,noise,case,500,0.6,0.6,-0.0,-0.0,0.0,0.0
a,sst,shift,amazon,900,0.4,0.6,0.2,0.1,0.3,0.3
"""


def test_a_row_a_stress_and_a_column_a_method(tmp_path: Path) -> None:
    (tmp_path / stressed.LOSSES).write_text(LOSSES)
    assert stressed.noise(tmp_path, ["overall"]) == (
        ["stress", "rows", "`a`", "`b`"],
        [["`typos_10`", "1,200", "0.050 (0.020 to 0.080)", "0.020 (0.001 to 0.040)"]],
    )
    assert stressed.noise(tmp_path, ["overall", "b"])[1] == [["`typos_10`", "1,200", "0.020 (0.001 to 0.040)"]]
    assert "0.100 (no interval)" in stressed.noise(tmp_path, ["sst"])[1][0][2]
    assert stressed.noise(tmp_path, ["sst"])[1][1] == ["`case`", "500", "0.000 (0.000 to 0.000)"]
    assert stressed.shifted(tmp_path, ["sst"])[1] == [["`amazon`", "900", "0.200 (0.100 to 0.300)"]]
    with pytest.raises(ValueError, match="give one of overall, sst"):
        stressed.noise(tmp_path, ["para"])
    with pytest.raises(ValueError, match="the run has no method c"):
        stressed.noise(tmp_path, ["overall", "c"])


def test_the_answer_that_was_fixed_in_one_row(tmp_path: Path) -> None:
    one = {
        **{"stress": "typos_10", "method": "a", "reference": "b", "loss": 0.05, "loss_reference": 0.02},
        **{
            "difference": 0.03,
            "low": 0.01,
            "high": 0.05,
            "p": 0.002,
            "p_equal": 0.97,
            "verdict": "the first loses more",
        },
    }
    (tmp_path / stressed.PRIMARY).write_text(json.dumps(one))
    expected = ["`typos_10`", "`a` minus `b`", "0.050, 0.020", "+0.030", "+0.010 to +0.050", "0.002", "0.970"]
    assert stressed.primary(tmp_path, [])[1] == [[*expected, "the first loses more"]]
