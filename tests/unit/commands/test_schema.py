"""The schema of params.yaml is made of the settings' types and of the comments, and the kept file is the one made."""

import argparse
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from protomtl.commands import preset, schema
from protomtl.core.yaml_reader import read_yaml
from protomtl.own_data import writing
from protomtl.params import Params
from protomtl.tasks.settings import Task
from tests.support import ROOT
from tests.unit.commands.test_preset import PAPERS

KEPT: dict[str, Any] = json.loads((ROOT / schema.SCHEMA).read_text())
PARAMS = read_yaml(ROOT / "params.yaml")


def wrong(content: dict[str, Any]) -> list[str]:
    """The dotted paths at which the schema finds a fault."""
    return [error.json_path.removeprefix("$.") for error in jsonschema.Draft202012Validator(KEPT).iter_errors(content)]


def test_the_kept_schema_is_the_one_that_is_made() -> None:
    assert schema.build(ROOT / "params.yaml") == KEPT, "python -m protomtl schema"
    jsonschema.Draft202012Validator.check_schema(KEPT)


def test_params_yaml_names_it_in_its_first_line() -> None:
    first = (ROOT / "params.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema.SCHEMA}"


def test_params_yaml_fits_it() -> None:
    assert wrong(PARAMS) == []
    assert set(KEPT["properties"]) == set(PARAMS) >= set(Params.model_fields)  # a step may have a section of its own


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"seeds": []}, "seeds"),
        ({"seeds": [-1]}, "seeds[0]"),
        ({"surprise": 1}, "$"),
        ({"finetune": PARAMS["finetune"] | {"lr": 0}}, "finetune.lr"),
        ({"finetune": PARAMS["finetune"] | {"lr": "fast"}}, "finetune.lr"),
        ({"finetune": PARAMS["finetune"] | {"lrr": 1}}, "finetune"),
        ({"data": PARAMS["data"] | {"source": "stater"}}, "data.source"),
        ({"compute": {}}, "compute"),
        ({"tasks": {"my-task": PARAMS["tasks"]["sst"]}}, "tasks"),
        ({"tasks": {"sst": PARAMS["tasks"]["sst"] | {"classes": 1}}}, "tasks.sst.classes"),
        ({"method": {"mine": PARAMS["method"]["cosine"] | {"finetune": {"lrr": 1}}}}, "method.mine.finetune"),
        ({"method": {"mine": PARAMS["method"]["cosine"] | {"finetune": {"lr": -1}}}}, "method.mine.finetune.lr"),
        ({"method": {"mine": PARAMS["method"]["cosine"] | {"pretrain": True}}}, "method.mine.pretrain"),
    ],
)
def test_a_mistake_is_marked_at_its_place(change: dict[str, Any], place: str) -> None:
    assert place in wrong(PARAMS | change)


@pytest.mark.parametrize("names", [[1, 2.5, "three"], [False, True], ["no", "yes"]])
def test_the_names_of_classes_may_be_what_params_yaml_may_have_for_them(names: list[Any]) -> None:
    """Stars from 1 to 5 without quotes were marked as a mistake."""
    task = PARAMS["tasks"]["sst"] | {"classes": names}
    assert wrong(PARAMS | {"tasks": {"sst": task}}) == []
    assert Task.model_validate(task).classes == [str(name).lower() for name in names]


def test_every_preset_fits_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    monkeypatch.chdir(tmp_path)
    for path in sorted(ROOT.glob("presets/*.yaml")):
        Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
        if path.stem in PAPERS:
            preset.apply("cs224n")
        preset.apply(path.stem)
        assert wrong(read_yaml(Path("params.yaml"))) == [], path.name


def test_a_key_is_described_by_its_comment(tmp_path: Path) -> None:
    blocks = KEPT["$defs"]
    assert blocks["Backbone"]["properties"]["pooling"]["description"].startswith("mean (MiniLM's own) | cls | pooler")
    assert blocks["Task"]["properties"]["range"]["description"] == "smallest and largest label"
    for name in ("Pretrain", "Finetune", "FinetuneOverrides"):  # what both phases have stands at the first
        assert blocks[name]["properties"]["clip_norm"]["description"].startswith("largest norm of the gradient")
    text = (ROOT / "params.yaml").read_text().replace("# error: stop at the first", "# halt: stop at the first")
    (tmp_path / "params.yaml").write_text(text)
    changed = schema.build(tmp_path / "params.yaml")["$defs"]["Data"]["properties"]["on_bad_row"]
    assert changed["description"].startswith("halt: stop at the first")


def test_after_init_each_key_of_a_task_is_described_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its block has the comments; of keys that it has not the schema that is there knows more."""
    monkeypatch.chdir(tmp_path)
    content = writing.editable(ROOT / "params.yaml")
    files = {split: f"{split}.csv" for split in ("train", "dev", "test")}
    block = {"kind": "multilabel", "classes": ["a", "b"], "metric": "macro_f1", "texts": ["t"], "label": "y"}
    writing.lay_in(content, {"tags": block | {"files": files}}, "data/own/x")
    with Path("params.yaml").open("w") as file:
        writing.round_trip().dump(content, file)
    assert schema.build(Path("params.yaml"), KEPT) == KEPT
    for there, lost in ((json.dumps(KEPT), set()), ("<<<<<<<", {"ordered", "range"}), (None, {"ordered", "range"})):
        schema.SCHEMA.parent.mkdir(parents=True, exist_ok=True)
        schema.SCHEMA.write_text(there) if there else schema.SCHEMA.unlink()
        schema.run(argparse.Namespace())
        found = json.loads(schema.SCHEMA.read_text())["$defs"]["Task"]["properties"]
        described = {key for key, value in KEPT["$defs"]["Task"]["properties"].items() if "description" in value}
        assert {key for key in described if "description" not in found[key]} == lost
