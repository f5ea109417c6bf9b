"""params.yaml: every mistake is named by its path; methods are overrides of base settings."""

import copy
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from protomtl.core import sections
from protomtl.core.yaml_reader import read_yaml
from protomtl.params import COLUMNS, FIGURES, Params, load
from protomtl.pretraining.settings import Pretrain
from protomtl.steps.tables.build import columns
from protomtl.tasks import settings
from protomtl.training.settings import Finetune
from tests.support import ROOT

WHOLE = YAML(typ="safe").load(ROOT / "params.yaml")
SST = WHOLE["tasks"]["sst"]


def written(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "params.yaml").write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False))
    return folder / "params.yaml"


def edited(folder: Path, path: str, value: Any) -> Path:
    """params.yaml with one key set, or removed (value ...)."""
    content = copy.deepcopy(WHOLE)
    *above, key = path.split(".")
    block = content
    for name in above:
        block = block[name]
    if value is ...:
        del block[key]
    else:
        block[key] = value
    return written(folder, content)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("finetune.lr", "fast", r"finetune\.lr: .*valid number"),
        ("finetune.lr", -1.0, r"finetune\.lr: -1\.0: .*greater than 0"),
        ("finetune.epoch", 1, r"finetune\.epoch: no such key; did you mean epochs\?"),
        ("finetun", {}, r"params\.yaml: finetun: no such key; did you mean finetune\?"),
        ("tasks.sst.clases", 3, r"tasks\.sst\.clases: no such key; did you mean classes\?"),
        (
            "method.muppet.pretrain",
            {"smoothness": {"wait": 1.0}},
            r"smoothness\.wait: no such key; did you mean weight",
        ),
        ("finetune.epochs", True, r"finetune\.epochs: True: .*valid integer"),
        ("finetune.epochs", "3", r"finetune\.epochs: '3': .*valid integer"),
        ("finetune.epochs", 3.0, r"finetune\.epochs: 3\.0: .*valid integer"),
        ("finetune.hidden", 1, r"finetune\.hidden: 1: .*valid boolean"),
        ("method.concat.pretrain", 5, r"method\.concat\.pretrain: 5: Input should be False or a block of keys$"),
        ("data.folder", "", r"data\.folder: '': .*at least 1 character"),
        ("finetune.epochs", 0, r"finetune\.epochs"),
        ("finetune.learning_rate", 1.0, r"finetune\.learning_rate: no such key; there are epochs, .*"),
        ("pretrain.distance", "manhattan", r"pretrain\.distance: .*'squared_euclidean' or 'cosine'"),
        ("compute.precision", ..., r"compute\.precision: Field required"),
        ("tasks.sst.classes", ..., r"tasks\.sst: .*`classes` belongs to kinds classification"),
        ("tasks.sts.range", [5, 0], r"tasks\.sts: .*smallest, largest"),
        ("methods", ["nosuch"], r"methods: nosuch: there is no block method\.nosuch; there are baseline, .*"),
        ("methods", ["concta"], r"methods: concta: there is no block method\.concta; did you mean concat\?"),
        ("methods", [], r"methods: .*at least 1"),
        ("compare", ["concat", "nosuch"], r"compare: nosuch: there is no block method\.nosuch"),
        ("method.cosine.finetune", {"similarity": "euclid"}, r"method\.cosine\.finetune\.similarity"),
        (
            "method.cosine.finetune",
            {"similarity": "cosine", "pair_encoding": "concat"},
            r"method\.cosine\.finetune.*embedding of each",
        ),
        (
            "method.concat.finetune",
            {"pair_encoding": {"para": "concat"}},
            r"method\.concat\.finetune\.pair_encoding: must name all pair tasks: \['para', 'sts'\]",
        ),
        ("method.concat.pretrain", {"pair_encoding": "product"}, r"method\.concat\.pretrain\.pair_encoding"),
        (
            "method.sst_weighted.finetune",
            {"weights": {"ssst": 1}},
            r"method\.sst_weighted\.finetune\.weights: no such main task: ssst; did you mean sst\?",
        ),
        ("tasks.sst.auxiliary", "sometimes", r"tasks\.sst\.auxiliary: .*boolean"),
        (
            "tasks.sst.auxiliary",
            True,
            r"sst_weighted\.finetune\.weights: no such main task: sst; did you mean sts",
        ),
        ("tasks", {"sst": {**SST, "auxiliary": True}}, r"tasks: all are auxiliary"),
        ("pretrain.auxiliary", ..., r"pretrain\.auxiliary: Field required"),
        ("embed.method", "nosuch", r"embed\.method: nosuch is not among `methods`"),
        ("embed.probe_samples", 0, r"embed\.probe_samples: .*greater than or equal to 4"),
        ("embed.seed", 9, r"embed\.seed: 9 is not among"),
        ("export.method", "nosuch", r"export\.method: nosuch is not among `methods`"),
        ("export.method", "mlm", r"export\.method: mlm is not among `methods`"),
        ("export.seed", 9, r"export\.seed: 9 is not among"),
        ("surprise", 1, r"surprise: no such key; there are seeds, methods, .*"),
        ("seeds", [1, 2, 1], r"seeds: .*1 is there twice; name it once"),
        ("seeds", [-1], r"seeds\.0: .*greater than or equal to 0"),
        ("seeds", [2**32], r"seeds\.0: .*less than 4294967296"),
        ("data.split_seed", -1, r"data\.split_seed: .*greater than or equal to 0"),
        ("methods", ["concat", "cosine", "concat"], r"methods: .*concat is there twice"),
        ("compare", ["concat", "concat"], r"compare: .*concat is there twice"),
        ("method.sst_weighted.finetune", {"weights": {"sst": float("inf")}}, r"weights\.sst: .*finite number"),
        (
            "tasks.sst.files.train",
            "../train.csv",
            r"tasks\.sst\.files\.train: .*'\.\./train\.csv': must be a file's path",
        ),
        (
            "tasks.sst.files.dev",
            "/etc/passwd",
            r"tasks\.sst\.files\.dev: .*'/etc/passwd': must be a file's path within",
        ),
        ("tasks.sst.files.dev", "a/../../b", r"tasks\.sst\.files\.dev: "),
        ("tasks.sst.files.test", "", r"tasks\.sst\.files\.test: "),
        ("tasks.sst.files.test", ".", r"tasks\.sst\.files\.test: "),
        (
            "tasks.sst.files",
            {"train": "a.csv", "dev": "b.csv", "test": "./a.csv"},
            r"tasks\.sst\.files: .*`train` and `test` are one file: './a\.csv'",
        ),
    ],
)
def test_a_mistake_is_an_error_that_names_its_path(tmp_path: Path, path: str, value: Any, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        load(edited(tmp_path, path, value))


Bounds = dict[str, float]  # minimum, exclusiveMinimum, maximum, exclusiveMaximum, as a JSON schema has them


def numbers(schema: dict[str, Any], block: dict[str, Any], path: str = "") -> dict[str, Bounds]:
    """Path -> bounds, of every number that params.yaml may hold; the sections are those of the settings' classes."""
    if "$ref" in block:
        return numbers(schema, schema["$defs"][block["$ref"].rpartition("/")[2]], path)
    if block.get("type") in ("integer", "number"):
        return {path: block}
    found: dict[str, Bounds] = {}
    for inner in (*block.get("anyOf", ()), *block.get("oneOf", ())):
        found |= numbers(schema, inner, path)
    for key, inner in block.get("properties", {}).items():
        found |= numbers(schema, inner, f"{path}.{key}".strip("."))
    for inner in block.get("patternProperties", {}).values():
        found |= numbers(schema, inner, f"{path}.{FILLED.get(path, '')}")
    for place, inner in enumerate(block.get("prefixItems", [])):
        found |= numbers(schema, inner, f"{path}.{place}")
    return found | (numbers(schema, block["items"], f"{path}.0") if isinstance(block.get("items"), dict) else {})


FILLED = {
    "tasks": "sts",
    "method": "cosine",
    "finetune.weights": "sst",
}  # the key at which a block of any keys is tried
SCHEMA = Params.model_json_schema()
NUMBERS = numbers(SCHEMA, SCHEMA) | {
    "tasks.sst.classes": SCHEMA["$defs"]["Task"]["properties"]["classes"]["anyOf"][0]["oneOf"][0]
}
del NUMBERS["tasks.sts.classes"]  # a value has none


def with_number(folder: Path, path: str, value: float) -> Path:
    """params.yaml with one method, and one number in it."""
    content = copy.deepcopy(WHOLE)
    content |= {"method": {"cosine": content["method"]["cosine"]}, "methods": ["cosine"], "compare": []}
    content["embed"]["method"] = content["export"]["method"] = "cosine"
    block: Any = content
    *above, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in above:
        block = block[key]
    block[last] = value
    return written(folder, content)


def is_within(value: float, bounds: Bounds) -> bool:
    low = value >= bounds["minimum"] if "minimum" in bounds else value > bounds["exclusiveMinimum"]
    return low and (value <= bounds["maximum"] if "maximum" in bounds else value < bounds["exclusiveMaximum"])


def test_every_number_is_found_and_has_two_bounds() -> None:
    assert len(NUMBERS) > 40 and {"finetune.lr", "tasks.sts.range.1", "finetune.weights.sst", "seeds.0"} < set(NUMBERS)
    for path, bounds in NUMBERS.items():
        ends = [end for side in ("imum", "xclusive") for end in bounds if side in end]
        assert len(set(ends)) == 2, path
        assert all(math.isfinite(bounds[end]) for end in ends), path


TRIED = (math.nan, math.inf, -math.inf, -1, 0, 0.5, -1e-300, 1e300, 10**400)


@pytest.mark.parametrize("path", NUMBERS)
def test_a_number_is_within_its_bounds_or_refused_by_its_key(tmp_path: Path, path: str) -> None:
    bounds = NUMBERS[path]
    ends = [bounds[end] for end in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") if end in bounds]
    for value in (*TRIED, *ends):
        file, error = with_number(tmp_path, path, value), ""
        try:
            load(file)
        except SystemExit as stop:
            error = str(stop)
        fits = bounds["type"] == "number" or not isinstance(value, float)
        if fits and math.isfinite(value if abs(value) <= 1e300 else 0.0) and is_within(value, bounds):
            assert "Input should be" not in error, value  # that keys do not fit each other is another matter
        else:
            assert re.search(f"^{re.escape(f'{file}: {path}')}: .*Input should be ", error), value


def places(block: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where params.yaml has a value, a block or a list."""
    for key, inner in block.items() if isinstance(block, dict) else enumerate(block) if isinstance(block, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


PLACES = [*places(WHOLE)]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.sampled_from(["", "concat", "sst", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sst", "lr", "é", "a.b"]), inner),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_nothing_that_can_stand_anywhere_ends_in_a_traceback(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    content = copy.deepcopy(WHOLE)
    for (*above, last), value in changes:
        with suppress(KeyError, IndexError, TypeError):  # it went with an earlier change
            reduce(getitem, above, content)[last] = value
    with TemporaryDirectory() as folder:
        file = written(Path(folder), content)
        try:
            load(file)
        except SystemExit as error:
            assert all(line.startswith((f"{file}", "params.yaml: ")) for line in str(error).splitlines())


def test_a_broken_file_and_no_file_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such file; run from the root"):
        load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("seeds: [1\n")
    with pytest.raises(SystemExit, match="not valid YAML"):
        load(tmp_path / "params.yaml")


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        load(edited(tmp_path, "compute", {"device": "gpu", "precision": "fp32", "threads": 0, "processes": 1}))
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["compute.device", "compute.threads"]


SAFE = ["type", "train", "forward", "Sick", "a_b", "2nd", "x" * 64]
UNSAFE = ["my-task", "my task", "my.task", "a/b", "..", "", "x" * 65, "ünder", "a;b", "$(id)", "a\nb", "--seed", "a'b"]


@pytest.mark.parametrize("name", SAFE)
def test_a_task_or_a_method_may_be_called_by_letters_digits_and_underscores(tmp_path: Path, name: str) -> None:
    content = copy.deepcopy(WHOLE)
    content["tasks"][name] = SST
    content["method"][name] = content["method"]["concat"]
    content["methods"] += [name]
    params = load(written(tmp_path, content))
    assert name in params.tasks and name in params.methods


@pytest.mark.parametrize("name", UNSAFE)
def test_any_other_name_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    content = copy.deepcopy(WHOLE)
    content["tasks"][name] = SST
    content["method"][name] = content["method"]["concat"]
    content["methods"] = [name]
    with pytest.raises(SystemExit) as caught:
        load(written(tmp_path, content))
    assert str(caught.value).count("a name is 1 to 64 letters, digits and _") == 3  # of the task, the method, the list


def test_names_that_are_other_types_in_yaml_are_told_to_stand_in_quotes(tmp_path: Path) -> None:
    for name, reason in (("no", "is false to Snakemake"), ("2020", 'a key must be a word; write "2020"')):
        text = (ROOT / "params.yaml").read_text().replace("  sst:\n", f"  {name}:\n")
        (tmp_path / "params.yaml").write_text(text)
        with pytest.raises(SystemExit, match=reason):
            load(tmp_path / "params.yaml")


@pytest.mark.parametrize("name", ["overall", "label", "seconds", "sts_spearman", "sst_nearest", "para_paper"])
def test_a_task_whose_column_the_tables_have_already_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match=rf"tasks\.{name}: its column {name} is one of .*, too; rename it"):
        load(edited(tmp_path, f"tasks.{name}", SST))
    load(edited(tmp_path, f"tasks.{name}", {**SST, "auxiliary": True}))  # it is in no table


def test_the_columns_that_no_task_may_take_are_those_that_there_are() -> None:
    """Of the tables and of the metrics that steps write; `sst` and `sts` stand for all tasks."""
    written = {"method", "label", "source", "epochs", "steps", "best_epoch", "seeds", "data", "backbone", "seconds"}
    assert written | {"overall"} <= set(COLUMNS)
    figures = columns("sst", None, None, None)
    assert {name.removeprefix("sst_") for name in figures} - {"sst"} <= FIGURES
    assert {"pearson", "spearman", "accuracy", "nearest", "mean", "best_member"} <= FIGURES


SICK = {
    "sick_entail": {**SST, "classes": 3, "ordered": False, "texts": ["a", "b"], "label": "entailment"},
    "sick_sim": {"kind": "regression", "range": [1, 5], "texts": ["a", "b"], "label": "score", "files": SST["files"]},
}


def sick(folder: Path, **more: Any) -> Path:
    """Two tasks of one's own and one method: `sst_weighted` and others name tasks that are not there."""
    content = copy.deepcopy(WHOLE)
    content |= {"tasks": SICK, "methods": ["concat"], **more}
    content["embed"]["method"] = content["export"]["method"] = "concat"
    return written(folder, content)


def test_what_blocks_that_are_not_listed_say_of_tasks_is_not_asked(tmp_path: Path) -> None:
    assert list(load(sick(tmp_path)).tasks) == ["sick_entail", "sick_sim"]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            "sst_weighted",
            r"method\.sst_weighted\.finetune\.weights: no such main task: sst; ",
        ),
        ("best", r"method\.best\.finetune\.pair_encoding: must name all pair tasks: \['sick_entail', 'sick_sim'\]"),
    ],
)
def test_what_is_listed_or_run_must_fit_the_tasks(tmp_path: Path, method: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        load(sick(tmp_path, methods=["concat", method]))
    with pytest.raises(SystemExit, match=message):
        load(sick(tmp_path), run=method)


def test_a_block_that_is_not_listed_must_be_sound(tmp_path: Path) -> None:
    blocks = copy.deepcopy(WHOLE["method"])
    blocks["sst_weighted"]["finetune"]["weights"]["sst"] = "much"
    with pytest.raises(SystemExit, match=r"method\.sst_weighted\.finetune\.weights\.sst: 'much': .*valid number"):
        load(sick(tmp_path, method=blocks))


def test_weights_that_are_all_nothing_teach_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"method\.concat\.finetune\.weights: all are 0, .*give a task a weight"):
        load(edited(tmp_path, "method.concat.finetune", {"weights": {"sst": 0, "para": 0.0, "sts": 0}}))


def test_numbers_are_read_as_dvc_writes_them(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text().replace("lr: 3.0e-4", "lr: 3e-05")
    (tmp_path / "params.yaml").write_text(text)
    assert load(tmp_path / "params.yaml").finetune.lr == 3e-5


def test_every_method_of_report_and_poster_is_run() -> None:
    report = [
        "baseline",
        "unfrozen",
        "cosine",
        "sst_weighted",
        "para_weighted",
        "sts_weighted",
        "shared_layers",
        "concat",
        "prototypical",
    ]
    poster = ["add_combination", "mult_combination", "concat_combination", "prototypical_sum"]
    assert load(ROOT / "params.yaml").methods[:13] == report + poster


@pytest.mark.parametrize("name", ["sst", "para", "sts"])
def test_weights_belong_to_the_task_in_the_methods_name(name: str) -> None:
    params = load(ROOT / "params.yaml")
    settings = sections.settings_of_method(
        "finetune", params.finetune, name, params.method[f"{name}_weighted"].finetune
    )
    assert settings.weights == {task: 0.98 if task == name else 0.01 for task in params.tasks}


def test_the_main_tasks_are_those_that_are_not_auxiliary_in_their_order() -> None:
    tasks = load(ROOT / "params.yaml").tasks
    assert settings.main_tasks(tasks) == tasks
    auxiliary = tasks["sst"].model_copy(update={"auxiliary": True})
    assert list(settings.main_tasks({"a": auxiliary, "sts": tasks["sts"], "b": auxiliary, "sst": tasks["sst"]})) == [
        "sts",
        "sst",
    ]
    with pytest.raises(SystemExit, match="at least one must be a main task"):
        settings.main_tasks({"a": auxiliary})


def test_the_settings_of_a_method_are_the_base_under_its_overrides() -> None:
    path = ROOT / "params.yaml"
    base = load(path).finetune
    content = read_yaml(path)
    cosine = sections.phase_settings(content, "finetune", Finetune, "cosine")
    assert cosine == base.model_copy(update={"similarity": "cosine"})
    assert sections.phase_settings(content, "pretrain", Pretrain, "cosine") is None


trees = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(st.sampled_from("abc"), trees), st.dictionaries(st.sampled_from("abc"), trees))
def test_deep_merge(base: dict[str, Any], over: dict[str, Any]) -> None:
    result = sections.merged(base, over)
    assert set(result) == set(base) | set(over)
    for key, value in result.items():
        if key not in over:
            assert value == base[key]
        elif isinstance(over[key], dict) and isinstance(base.get(key), dict):
            assert value == sections.merged(base[key], over[key])
        else:
            assert value == over[key]
