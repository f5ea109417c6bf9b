"""The least that a run takes: operations by hand, of splits that are so many rows and operations."""

import pytest

from benchmarks import floor

ROWS = {"train": 2000, "dev": 50, "test": 100}


@pytest.fixture(autouse=True)
def splits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row takes ten operations, of a pair in one sequence eleven."""
    monkeypatch.setattr(floor, "split", lambda task, name, joined: (ROWS[name], ROWS[name] * (11 if joined else 10)))


def test_operations_of_a_method_by_hand() -> None:
    assert floor.of_a_method("unfrozen") == {
        "finetune": 3 * 90 * 3 * 32 * 10,  # three passes, 90 updates, three tasks, 32 rows
        "its dev figures": 3 * 3 * 50 * 10,
        "evaluate": 3 * (100 + 1000) * 10,
    }
    found = floor.of_a_method("prototypical")
    assert found["pretrain"] == 3 * 60 * 3 * 32 * 11
    assert found["its readings"] == 3 * (100 + 50 + 1000) * 11
    assert found["finetune"] == 3 * 90 * 3 * 32 * 11
    assert floor.of_a_method("concat_longer")["finetune"] == 3 * 150 * 3 * 32 * 11
    assert floor.of_a_method("frozen_lda") == floor.of_a_method("baseline") == {}


def test_a_split_that_is_smaller_than_asked_for_is_read_once() -> None:
    assert floor.passes("dev", {"sst": False}, 1000) == 50 * 10


def test_the_table_adds_up() -> None:
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in floor.table(floor.operations(), 1e6).splitlines()[2:]
    ]
    seconds = {name: int(each.replace(",", "")) for name, _, each in lines}
    assert seconds["a frozen encoder's vectors"] == round(3 * (2000 + 50 + 100) * 10 / 1e6)
    assert abs(seconds["all"] - sum(each for name, each in seconds.items() if name != "all")) <= 3
