"""params.yaml after `init`: sound, with its comments, and the same for every reader of YAML."""

import io
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from protomtl import params
from protomtl.own_data import writing
from tests.support import ROOT

FILES = {"train": "train.csv", "dev": "dev.csv", "test": "test.csv"}
PAIR = {"kind": "binary", "texts": ["a", "b"], "label": "same", "files": FILES}
SINGLE = {
    "kind": "classification",
    "classes": ["no", "yes", "1:30", "n/a"],
    "texts": ["a"],
    "label": "y",
    "files": FILES,
}


def laid(tasks: dict[str, Any], folder: str = "data/own/mine") -> tuple[str, list[str]]:
    content = writing.round_trip().load(ROOT / "params.yaml")
    said = writing.lay_in(content, tasks, folder)
    stream = io.StringIO()
    writing.round_trip().dump(content, stream)
    return stream.getvalue(), said


def test_the_rest_of_the_file_stays_as_it_was(tmp_path: Path) -> None:
    text, said = laid({"same": PAIR})
    before = (ROOT / "params.yaml").read_text().splitlines()
    lost = [line for line in before if line not in text.splitlines()]
    tasks = before[before.index("  sst:") : before.index("backbone:")]
    dropped = ["  - sst_weighted", "  - para_weighted", "  - sts_weighted"]
    assert [line for line in lost if line not in tasks] == [
        *dropped,
        *[line for line in before if line.startswith(("  source: starter", "  folder: data/own ", "  about: "))],
    ]
    assert said[-1] == "methods: without sst_weighted, para_weighted, sts_weighted, which name other tasks"
    (tmp_path / "params.yaml").write_text(text)
    assert [*params.load(tmp_path / "params.yaml").tasks] == ["same"]


def test_what_labels_of_other_tasks_mean_is_not_said_any_more() -> None:
    text, said = laid({"sts": PAIR, "type": SINGLE})
    assert "\n  about: {sts: meaning} " in text and "perturb.about: nothing of type; say there" in "\n".join(said)
    assert "perturb.about" not in "\n".join(laid({"sts": PAIR})[1])


def test_the_first_task_with_a_key_explains_it() -> None:
    text, _ = laid({"same": PAIR, "type": SINGLE})
    lines = text[text.index("  same:\n") : text.index("backbone:")].splitlines()
    assert [(line.split("#")[0].split(":")[0].strip()) for line in lines if "#" in line] == [
        "kind",
        "texts",
        "label",
        "classes",
    ]
    assert lines[1] == "    kind: binary                  # classification | binary | regression | multilabel"


def test_test_sets_of_another_source_are_not_fetched_any_more(tmp_path: Path) -> None:
    content = writing.round_trip().load(ROOT / "params.yaml")
    content["data"].update({"source": "cs224n", "elsewhere": True})
    assert "data.elsewhere: false" in writing.lay_in(content, {"same": PAIR}, "data/own/mine")
    with (tmp_path / "params.yaml").open("w") as file:
        writing.round_trip().dump(content, file)
    assert not params.load(tmp_path / "params.yaml").data.elsewhere


def test_several_tasks_have_a_method_each_that_weights_them(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(laid({"same": PAIR, "type": SINGLE})[0])
    found = params.load(tmp_path / "params.yaml")
    assert found.methods[3:5] == ["same_weighted", "type_weighted"]
    assert found.method["type_weighted"].finetune == {"weights": {"same": 0.01, "type": 0.99}}


def test_a_second_time_the_blocks_are_there_already(tmp_path: Path) -> None:
    content = writing.round_trip().load(ROOT / "params.yaml")
    for _ in range(2):
        writing.lay_in(content, {"same": PAIR, "type": SINGLE}, "data/own/mine")
    assert content["methods"].count("same_weighted") == 1


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1), min_size=2, unique=True))
def test_names_are_the_same_for_every_reader_of_yaml(names: list[str]) -> None:
    stream = io.StringIO()
    writing.round_trip().dump(writing.styled({"classes": names, "label": names[0]}), stream)
    found = {"classes": names, "label": names[0]}
    assert yaml.safe_load(stream.getvalue()) == found == writing.round_trip().load(stream.getvalue())


def test_each_of_several_tasks_has_a_method_of_its_own_and_a_row_joins_them(tmp_path: Path) -> None:
    content = writing.editable(ROOT / "params.yaml")
    writing.lay_in(content, {"same": PAIR, "type": PAIR}, "data/own/x")
    with (tmp_path / "params.yaml").open("w") as file:
        writing.round_trip().dump(content, file)
    found = params.load(tmp_path / "params.yaml")
    assert found.method["only_type"].finetune == {"tasks": ["type"], **found.method["concat"].finetune}
    assert found.joined["single_tasks"].parts == ["only_same", "only_type"]
    assert not {"only_sst", "only_type"} & {*found.methods}
