"""What is written beside a copy's figure."""

import numpy as np
import pytest

from protomtl.steps.export.copies import with_interval


def test_a_figure_without_an_interval_or_without_a_value_stands_alone() -> None:
    """As `null` twice it would be an interval that no reader of the record expects."""
    varied = np.linspace(0, 1, 2001)[:, None, None]
    assert with_interval(0.5, varied) == pytest.approx([0.5, 0.025, 0.975])
    assert with_interval(1.0, np.ones_like(varied)) == [1.0]
    assert with_interval(np.nan, np.full_like(varied, np.nan)) == [None]
