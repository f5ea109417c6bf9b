"""params.yaml: every mistake is named by its path; methods are overrides of base settings."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.core import sections
from protomtl.core.yaml_reader import read_yaml
from protomtl.params import load, updates
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks import settings
from protomtl.training.settings import Finetune
from tests.support import ROOT
from tests.support.params import SST, edited


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
        (
            "data.folder",
            "data/prepared",
            r"data\.folder: data/prepared: lies in data/prepared, where steps replace what",
        ),
        ("data.folder", "./data/x/../tokens/mine", r"data\.folder: .*: lies in data/tokens, where steps replace"),
        ("data.folder", str(Path("results").resolve()), r"data\.folder: .*: lies in results, where steps replace"),
        ("backbone.folder", "data/perturbed", r"backbone\.folder: data/perturbed: lies in data/perturbed, where"),
        ("data.folder", "a\0b", r"data\.folder: .*: a folder's name is one line"),
        ("data.folder", "~/texts", r"data\.folder: '?~/texts'?: .*not to DVC, .*; write the whole path"),
        ("data.elsewhere", True, r"data\.elsewhere: True: belongs to `source: cs224n`, .*; write `elsewhere: false`$"),
        ("backbone.folder", "~/bert", r"backbone\.folder: '?~/bert'?: .*not to DVC, .*; write the whole path"),
        ("finetune.epochs", 0, r"finetune\.epochs"),
        ("finetune.learning_rate", 1.0, r"finetune\.learning_rate: no such key; there are epochs, .*"),
        ("pretrain.distance", "manhattan", r"pretrain\.distance: .*'squared_euclidean' or 'cosine'"),
        ("compute.precision", ..., r"compute\.precision: Field required"),
        ("tasks.sst.classes", ..., r"tasks\.sst: .*`classes` belongs to kinds classification"),
        ("tasks.sts.range", [5, 0], r"tasks\.sts: .*smallest, largest"),
        ("methods", ["nosuch"], r"methods: nosuch: there is no block method\.nosuch; there are baseline, .*"),
        ("methods", ["concta"], r"methods: concta: there is no block method\.concta; did you mean concat\?"),
        ("methods", [], r"methods: .*at least 1"),
        ("method.cosine.label", " ", r"method\.cosine\.label: is empty; tables and pictures name the method by it"),
        (
            "method.cosine.label",
            "Unfrozen baseline",
            r"method\.cosine\.label: 'Unfrozen baseline' is that of unfrozen, too",
        ),
        (
            "joined",
            {"both": {"label": "Unfrozen baseline", "source": "control", "parts": ["cosine", "concat"]}},
            r"joined\.both\.label: 'Unfrozen baseline' is that of unfrozen, too",
        ),
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
        ("tasks", {"sst": SST, "SST": SST}, r"tasks: .*sst and SST differ by case alone.*; rename one"),
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


def test_a_row_that_is_put_together_may_be_called_as_a_part_in_whose_place_it_stands(tmp_path: Path) -> None:
    row = {"label": "Unfrozen baseline", "source": "control", "parts": ["unfrozen", "concat"]}
    assert load(edited(tmp_path, "joined", {"both": row})).joined["both"].label == "Unfrozen baseline"


@pytest.mark.parametrize("key", ["data.folder", "backbone.folder"])
def test_a_folder_that_is_a_link_to_itself_is_left_to_the_step_that_reads_it(key: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert load(edited(tmp_path, key, str(tmp_path / "loop")))


def test_a_folder_may_have_any_name_that_its_writer_can_type(tmp_path: Path) -> None:
    """Input methods of Japanese write a wide blank, macOS one that never breaks."""
    for name in ("data/自分の\u3000資料", "data/mes\u00a0données"):
        assert load(edited(tmp_path, "data.folder", name)).data.folder == name


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "multilabel", "classes": ["None", "joy"], "ordered": False}, "no class of .* is named none: a row"),
        ({"texts": ["label"], "label": "label"}, "`label` is one of the `texts`, too: 'label', so that"),
        ({"texts": ["a", "a"]}, "both `texts` are one column: 'a'"),
    ],
)
def test_a_task_may_be_of_an_older_export_and_not_of_a_new_run(
    tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    block = {**SST, **more}
    assert settings.Task.model_validate(block).texts == block["texts"]  # an export's record is read as before
    with pytest.raises(SystemExit, match=rf"params\.yaml: tasks\.sst: {message}"):
        load(edited(tmp_path, "tasks.sst", block))


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


def test_updates_are_those_of_both_phases_that_train_the_encoder(tmp_path: Path) -> None:
    names = ["prototypical", "concat", "concat_longer", "baseline", "frozen_lda"]
    assert updates(load(edited(tmp_path, "methods", names))) == {
        "prototypical": 2 * 30 + 3 * 30,
        "concat": 3 * 30,
        "concat_longer": 3 * 50,
        "baseline": 0,  # its heads learn on vectors that are there
        "frozen_lda": 0,
    }
    assert updates(load(edited(tmp_path, "finetune.steps_per_epoch", 0)))["concat"] == 3  # the data say how many
