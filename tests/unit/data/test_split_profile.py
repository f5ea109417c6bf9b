"""What two splits of a task share: dev and test may not be training rows."""

import pytest

from protomtl import params
from protomtl.data.readers import Row
from protomtl.data.split_profile import SplitProfile, check_auxiliary, check_held_out
from tests.support import ROOT

TASKS = params.load(ROOT / "params.yaml").tasks


def profile(texts: list[str], pairs: bool = False) -> SplitProfile:
    found = SplitProfile(TASKS["para" if pairs else "sst"])
    found.add([Row(str(i), (text, "the same") if pairs else (text,), 0) for i, text in enumerate(texts)])
    return found


def splits(test: list[str], pairs: bool = False) -> dict[str, SplitProfile]:
    train = [f"Film {i}, it's fine." for i in range(300)]
    return {"train": profile(train, pairs), "dev": profile(["other"], pairs), "test": profile(test, pairs)}


@pytest.mark.parametrize("pairs", [False, True])
def test_sentences_of_another_source_are_the_same_with_other_punctuation(pairs: bool) -> None:
    """As the paper's sst writes what the starter data have; rows that come twice count once."""
    known = [f"film {i} , it 's fine ." for i in range(100)]
    with pytest.raises(SystemExit, match=r"tasks\.sst: 100 of 200 different rows of test are training rows too, punct"):
        check_held_out("sst", splits([*known, *known, *(f"new {i}" for i in range(100))], pairs))


def test_a_few_shared_rows_are_only_reported() -> None:
    check_held_out("sst", splits([f"Film {i}, it's fine." for i in range(50)] + [f"new {i}" for i in range(51)]))
    check_held_out("sst", splits([f"Film {i}, it's fine." for i in range(99)]))  # so few may be somebody's first try


def test_pairs_that_share_one_text_are_other_pairs() -> None:
    found = splits([], pairs=True)
    found["test"].add([Row(str(i), (f"Film {i}, it's fine.", "another"), 0) for i in range(200)])
    check_held_out("para", found)


def test_what_an_auxiliary_task_learns_from_may_not_be_dev_or_test_of_another() -> None:
    apart = splits([f"new {i}" for i in range(200)])
    known = splits([f"film {i} , it 's fine ." for i in range(150)] + [f"new {i}" for i in range(50)])
    mine = TASKS["sst"]
    auxiliary = mine.model_copy(update={"auxiliary": True})
    both = {"sst": known | {"train": apart["test"]}, "more": apart}
    check_auxiliary(both, {"sst": mine, "more": mine})
    check_auxiliary({"sst": apart, "more": apart}, {"sst": mine, "more": auxiliary})
    with pytest.raises(
        SystemExit, match=r"^tasks\.more: 150 of 200 different rows of test of tasks\.sst are training r"
    ):
        check_auxiliary(both, {"sst": mine, "more": auxiliary})
