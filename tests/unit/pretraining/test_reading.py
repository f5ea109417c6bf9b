"""What prototypes say straight after phase 1, as a file."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from protomtl.pretraining import reading

SINGLE = st.floats(width=32, min_value=-(2.0**20), max_value=2.0**20, allow_subnormal=False)


@given(values=st.lists(SINGLE, min_size=1))
def test_a_value_comes_back_to_its_last_bit(values: list[float]) -> None:
    said = np.array(values, dtype=np.float32)
    with TemporaryDirectory() as folder:
        reading.write({("dev", "sts"): pd.DataFrame({"readout": said})}, Path(folder))
        found = pd.read_csv(Path(folder) / "dev/sts.csv")["readout"].to_numpy(np.float32)
    assert found.tolist() == said.tolist()
