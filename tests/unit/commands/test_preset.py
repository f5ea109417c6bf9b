"""Presets patch params.yaml in place: comments stay, mistakes change nothing, `paper` is complete."""

import csv
import shutil
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from protomtl.commands import preset
from protomtl.core import sections
from protomtl.core.paths import TREES
from protomtl.core.yaml_reader import read_yaml
from protomtl.params import Params, load
from protomtl.publishing import questions
from protomtl.tasks import settings
from protomtl.training.sampling import shares, steps_per_epoch
from protomtl.training.settings import Training
from tests.support import ROOT
from tests.support.commands import call


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    return tmp_path


NAMES = sorted(p.stem for p in (ROOT / "presets").glob("*.yaml"))
PAPERS = {"phrases"}  # has a task of files that only the paper's splits have


def lay(name: str) -> None:
    """A preset over the data that it is for."""
    if name in PAPERS:
        preset.apply("cs224n")
    preset.apply(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_sound_parameters_and_keeps_every_comment(project: Path, name: str) -> None:
    before = (project / "params.yaml").read_text()
    lay(name)
    after = (project / "params.yaml").read_text()
    assert before != after
    comments = [line.split("#", 1)[1] for line in before.splitlines() if "#" in line]
    assert all(comment in after for comment in comments)
    load()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_another_style_stays_sound(project: Path, name: str) -> None:
    """Lists that are not indented, as other programs write them, with a comment behind an item and an empty line."""
    content = YAML().load(project / "params.yaml")
    YAML().dump(content, project / "params.yaml")
    text = (project / "params.yaml").read_text().replace("- baseline\n", "- baseline  # frozen\n")
    (project / "params.yaml").write_text(text.replace("\ncompare:", "\n\ncompare:"))
    lay(name)
    load()
    assert "\n\ncompare:" in (project / "params.yaml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_applying_twice_is_applying_once(project: Path, name: str) -> None:
    lay(name)
    once = (project / "params.yaml").read_text()
    preset.apply(name)
    assert (project / "params.yaml").read_text() == once


def test_quick_is_for_whatever_data_tasks_and_encoder_there_are() -> None:
    assert not {"data", "tasks", "backbone", "tokens", "method"} & {*read_yaml(ROOT / "presets/quick.yaml")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("finetune: {lrr: 1}", r"presets/wrong\.yaml does not fit params\.yaml:\n.*finetune\.lrr: no such key"),
        ("finetune: {lr: x}", r"finetune\.lr"),
        ("task: {mood: {}}", r"task: no such key; did you mean tasks"),
        ("tasks: {sst: {clases: 3}}", r"tasks\.sst\.clases: no such key; did you mean classes"),
        ("tasks: {ssst: {classes: 3}}", r"tasks\.ssst\.kind: Field required"),
        ("tasks: {sst: {auxiliary: true}}", r"weights: no such main task: sst"),
        ("method: {cosine: {finetune: {lrr: 1}}}", r"method\.cosine\.finetune\.lrr: no such key"),
        ("method: {cosinus: {finetune: {}}}", r"method\.cosinus\.label: Field required"),
        ("methods: [prototypical, cosinus]", r"methods: cosinus: there is no block"),
        ("finetune: {lr: 1", "not valid YAML"),
        ("finetune: {lr: 1e-3}", r'presets/wrong\.yaml:1: 1e-3: is "1e-3" to Snakemake and 0\.001 to DVC'),
        ("seeds: [1]\nseeds: [2]", r"presets/wrong\.yaml:2: seeds: this key is there twice"),
    ],
)
def test_a_wrong_preset_changes_nothing(project: Path, text: str, message: str) -> None:
    before = (project / "params.yaml").read_text()
    (project / "presets/wrong.yaml").write_text(text)
    with pytest.raises(SystemExit, match=message) as caught:
        preset.apply("wrong")
    assert (project / "params.yaml").read_text() == before and ".part" not in str(caught.value)
    assert not list(project.glob("*.part"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: [1]\nseeds: [2]", r"params\.yaml:2: seeds: this key is there twice"),
        ("seeds:\t[1]", r"params\.yaml:1: not valid YAML: found character '\\t'"),
        ("seeds: [1", r"params\.yaml:2: not valid YAML"),
        ("", r"presets/quick\.yaml does not fit params\.yaml:\nparams\.yaml: compare: Field required"),
        ("- a", r"params\.yaml: must hold `name: value` lines"),
    ],
)
def test_params_that_are_not_sound_are_told_and_left_alone(project: Path, text: str, message: str) -> None:
    (project / "params.yaml").write_text(text)
    with pytest.raises(SystemExit, match=message):
        preset.apply("quick")
    assert (project / "params.yaml").read_text() == text


def test_params_that_are_a_link_stay_one(project: Path) -> None:
    (project / "params.yaml").rename(project / "mine.yaml")
    (project / "params.yaml").symlink_to("mine.yaml")
    before = (project / "mine.yaml").read_text()
    preset.apply("cs224n")
    assert (project / "params.yaml").is_symlink() and (project / "mine.yaml").read_text() != before


@pytest.mark.parametrize(("end", "mark"), [(b"\r\n", b""), (b"\r\n", b"\xef\xbb\xbf"), (b"\n", b"")])
def test_the_line_ends_of_params_stay(project: Path, end: bytes, mark: bytes) -> None:
    """Half of them were others afterwards, and git took all lines for changed."""
    plain = (project / "params.yaml").read_bytes()
    preset.apply("quick")
    changed = (project / "params.yaml").read_bytes()
    (project / "params.yaml").write_bytes(mark + plain.replace(b"\n", end))
    preset.apply("quick")
    assert (project / "params.yaml").read_bytes() == changed.replace(b"\n", end)


def test_the_way_back_is_told_with_what_it_costs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings of own data that are in no commit would be lost by it."""
    preset.apply("quick")  # no repository
    assert "shows what changed, `git checkout params.yaml` takes it back\n" in capsys.readouterr().out
    for words in (["init", "-q"], ["add", "params.yaml"], ["commit", "-qm", "first"]):
        call(project, "git", *words)
    preset.apply("cs224n")
    assert "shows what changed, `git checkout params.yaml` takes it back\n" in capsys.readouterr().out
    preset.apply("claim")
    assert "too, which are in no commit: `git checkout params.yaml` takes back both" in capsys.readouterr().out


def test_the_rights_of_params_stay(project: Path) -> None:
    (project / "params.yaml").chmod(0o640)
    preset.apply("cs224n")
    assert (project / "params.yaml").stat().st_mode & 0o777 == 0o640


def test_read_only_params_are_left_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (project / "params.yaml").read_text()
    monkeypatch.setattr("os.access", lambda *_: False)  # to root nothing is read-only
    with pytest.raises(SystemExit, match=r"params\.yaml: is read-only; `chmod u\+w params\.yaml` first"):
        preset.apply("cs224n")
    assert (project / "params.yaml").read_text() == before


def test_a_preset_over_data_that_lack_its_task_changes_nothing(project: Path) -> None:
    """It failed behind the download."""
    before = (project / "params.yaml").read_text()
    message = r"presets/phrases\.yaml does not fit params\.yaml:\n.*: the starter data has no phrases; .*`cs224n`"
    with pytest.raises(SystemExit, match=message):
        preset.apply("phrases")
    assert (project / "params.yaml").read_text() == before


def test_an_unknown_preset_lists_those_that_exist(project: Path) -> None:
    with pytest.raises(SystemExit, match=f"there are: {', '.join(NAMES)}$"):
        preset.apply("nosuch")


def test_five_tasks_adds_two_tasks_for_pre_training_in_the_style_of_the_others(project: Path) -> None:
    before = load().tasks
    preset.apply("five_tasks")
    tasks = load().tasks
    assert list(tasks) == ["sst", "para", "sts", "amazon", "tweets"]
    assert settings.main_tasks(tasks) == before
    assert all(tasks[name].classes == tasks["sst"].classes for name in ("amazon", "tweets"))
    assert "    texts: [sentence]\n    label: sentiment\n    files: {train: amazon-" in Path("params.yaml").read_text()


def test_a_preset_may_bring_a_method_and_replaces_lists_as_a_whole(project: Path) -> None:
    block = "{label: Mine, source: here, pretrain: {auxiliary: true}, finetune: {lr: 2.0e-4}}"
    (project / "presets/mine.yaml").write_text(f"methods: [prototypical, mine]\nmethod:\n  mine: {block}\n")
    preset.apply("mine")
    params = load()
    assert params.methods == ["prototypical", "mine"]
    assert set(params.method) == {*load(ROOT / "params.yaml").method, "mine"}  # the blocks of the others stay
    assert sections.settings_of_method("finetune", params.finetune, "mine", params.method["mine"].finetune).lr == 2e-4


def test_paper_has_the_papers_settings(project: Path) -> None:
    preset.apply("paper")
    params = load()
    assert (params.data.source, params.backbone.name, params.backbone.pooling) == (
        "cs224n",
        "bert-base-uncased",
        "pooler",
    )
    starred = {"sst_weighted", "para_weighted", "sts_weighted", "shared_layers"}
    starred |= {"add_combination", "mult_combination", "concat_combination"}
    for name in params.methods[:13]:  # those of report and poster
        settings = sections.settings_of_method("finetune", params.finetune, name, params.method[name].finetune)
        assert settings.epochs == (10 if name in starred else 20)
        assert (settings.batch_size, settings.lr, settings.head_lr) == (64, 1e-5, 1e-5)
        assert (settings.sampling, settings.schedule, settings.steps_per_epoch) == ("longest", "constant", 0)
        assert settings.weight_decay == params.pretrain.weight_decay == 0


def test_everything_is_every_method_that_there_is(project: Path) -> None:
    preset.apply("everything")
    params = load()
    assert sorted(params.methods) == sorted(params.method) and len(params.seeds) == 5


@pytest.mark.parametrize("longer", ["concat_longer", "concat_longer_balanced", "relation"])
@pytest.mark.parametrize("name", ["default", "cs224n", "paper"])
def test_a_longer_control_has_as_many_updates_as_both_phases_of_the_prototypical(
    project: Path, name: str, longer: str
) -> None:
    if name != "default":
        preset.apply(name)
    params = load()
    first = sections.settings_of_method(
        "pretrain", params.pretrain, "prototypical", params.method["prototypical"].pretrain
    )
    second, control = (
        sections.settings_of_method("finetune", params.finetune, m, params.method[m].finetune)
        for m in ("prototypical", longer)
    )
    assert first is not None
    sizes = {"sst": 8544, "para": 50000, "sts": 6040}
    updates = [training.epochs * steps_per_epoch(sizes, training) for training in (first, second, control)]
    assert updates[0] + updates[1] == updates[2]


@pytest.mark.parametrize("name", ["default", "cs224n", "paper"])
def test_both_phases_of_a_method_are_trained_alike_but_for_their_length(project: Path, name: str) -> None:
    """So `concat_twice` is fine-tuning twice, and heads of a first phase that are a control learn as others do."""
    if name != "default":
        preset.apply(name)
    first, second = settings_of(load(), "concat_twice")
    assert first is not None
    length = {"epochs", "steps_per_epoch"}
    shared = first.model_dump(include=set(Training.model_fields) - length)
    assert shared == second.model_dump(include=shared.keys())


def test_each_part_of_the_best_recipe_is_one_change_of_it(project: Path) -> None:
    for name in ("cs224n", "parts"):
        preset.apply(name)
    params = load()
    best, *others = (
        sections.settings_of_method("finetune", params.finetune, m, params.method[m].finetune) for m in params.methods
    )
    changed = [{key for key, value in other if value != getattr(best, key)} for other in others]
    parts: list[set[str]] = [{"averaging"}, {"label_smoothing"}, {"sampling"}, {"pair_encoding", "similarity"}, {"lr"}]
    assert changed == parts


def test_what_the_preset_of_phrases_says_of_its_first_phases_holds(project: Path) -> None:
    for name in ("cs224n", "phrases"):
        preset.apply(name)
    params = load()
    best, *others = (
        sections.settings_of_method("finetune", params.finetune, m, params.method[m].finetune) for m in params.methods
    )
    assert all(other == best for other in others)
    plain, phrases, prototypes = (
        sections.settings_of_method("pretrain", params.pretrain, m, params.method[m].pretrain)
        for m in params.methods[1:]
    )
    assert {key for key, value in plain if value != getattr(phrases, key)} == {"auxiliary"}
    assert {key for key, value in phrases if value != getattr(prototypes, key)} == {
        *("objective", "prototypes", "prior", "scale", "scale_lr")
    }
    sizes = {"sst": 8544, "para": 50000, "sts": 6040}
    updates = plain.epochs * steps_per_epoch(sizes, plain)
    rows = shares({**sizes, "phrases": 156761}, phrases, 0)
    assert (updates, shares(sizes, plain, 0).sum().round(), rows.sum().round(), rows[3].round()) == (900, 192, 256, 128)
    assert updates * rows[3] / 156761 == pytest.approx(0.74, abs=0.005)
    assert [name for name, task in params.tasks.items() if task.auxiliary] == ["phrases"]
    assert params.tasks["phrases"].files.train == TREES


def test_every_method_is_every_one_that_fits_the_tasks(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As after `init`, whose tasks are others than those that some blocks name."""
    content = YAML().load(project / "params.yaml")
    content["tasks"]["mood"] = content["tasks"].pop("sst")
    content["data"]["source"] = "folder"
    content["methods"] = ["concat", "prototypical"]
    YAML().dump(content, project / "params.yaml")
    preset.apply("everything")
    found = load().methods
    assert {"concat", "prototypical", "pcgrad"} <= {*found}
    assert not {"sst_weighted", "para_weighted", "sts_weighted"} & {*found}
    assert "methods: without" in (said := capsys.readouterr().out)
    assert "sst_weighted" in said


@pytest.mark.parametrize(("name", "gone"), [("claim", "best"), ("prototypes", "only_sst"), ("robust", "")])
def test_a_list_of_methods_is_without_those_of_other_tasks(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, gone: str
) -> None:
    """After `init`, too."""
    content = YAML().load(project / "params.yaml")
    content["tasks"] = {"mood": content["tasks"]["sst"]}
    content["data"]["source"] = "folder"
    content["methods"] = ["concat", "prototypical"]
    YAML().dump(content, project / "params.yaml")
    preset.apply(name)
    assert gone not in load().methods
    assert (f"methods: without {gone}" in capsys.readouterr().out) is bool(gone)


def settings_of(params: Params, method: str) -> list[object]:
    """Of both phases, with all that a method takes from elsewhere."""
    block = params.method[method]
    both = (("pretrain", params.pretrain, block.pretrain), ("finetune", params.finetune, block.finetune))
    return [sections.settings_of_method(phase, base, method, own) for phase, base, own in both]


def test_questions_have_what_dev_chose_among_the_trials(project: Path) -> None:
    """The highest dev overall of the kept trials of a method; of equals the first, which is what stood."""
    with (ROOT / "docs/runs/trials/tables-table1.csv").open(encoding="utf-8", newline="") as file:
        dev = {row["method"]: float(row["overall"]) for row in csv.DictReader(file)}
    preset.apply("trials")
    trials = load()
    assert [*dev] == trials.methods
    shutil.copyfile(ROOT / "params.yaml", project / "params.yaml")
    preset.apply("questions")
    questions = load()
    families = [name for name in trials.methods if not name.endswith(("_slower", "_faster", "_own"))]
    assert len(families) * 4 == len(dev)
    for name in families:
        chosen = max([name, *(f"{name}_{trial}" for trial in ("slower", "faster", "own"))], key=lambda one: dev[one])
        assert settings_of(questions, name) == settings_of(trials, chosen), name


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_that_lists_runs_names_those_of_figure_1_and_of_the_export(name: str) -> None:
    """So that it can be laid over any other: theirs may not be among its own."""
    patch = yaml.safe_load((ROOT / f"presets/{name}.yaml").read_text()) or {}
    for block in (patch.get("embed", {}), patch.get("export", {})):
        if isinstance(methods := patch.get("methods"), list):
            assert block["method"] in methods
        if "seeds" in patch:
            assert block["seed"] in patch["seeds"]


ORDERS = {  # of presets, as docs/research/questions.md tells it -> the questions that a run of it answers
    ("questions",): "ade",
    ("cs224n", "questions"): "a",
    ("questions", "low_data"): "b",
    ("questions", "soon"): "c",
    ("trials", "questions", "low_data", "soon"): "c",
}
DIFFERENT = {  # what a pair's fine-tuning may have of its own
    ("leave_one_out_64", "concat_longer"): {"steps_per_epoch", "epochs"},
    ("leave_one_out_balanced", "concat_longer_balanced"): {"steps_per_epoch", "epochs"},
    ("relation_prototypes", "relation"): {"steps_per_epoch", "epochs"},
    ("frozen_prototypes", "frozen_logistic"): {"fit", "similarity"},
    ("prototype_heads", "logistic_heads"): {"start"},
    ("prototype_heads", "random_heads"): {"start"},
}


@pytest.mark.parametrize("order", ORDERS, ids="+".join)
def test_a_method_and_its_control_of_a_question_have_the_same_budget_and_losses(
    project: Path, order: tuple[str, ...]
) -> None:
    for name in order:
        preset.apply(name)
    params, asked = load(), questions.read(ROOT / "docs" / questions.QUESTIONS)
    assert params.data.worsened.rows == (64 if order[-1] == "low_data" else 0)
    for letter in ORDERS[order]:
        assert len(params.seeds) in {plan.seeds for plan in asked[letter].plans}
        for pair in asked[letter].compare:
            assert {*pair} <= {*params.methods} and {*pair} & {*params.compare}
            phases = [settings_of(params, method) for method in pair]
            fitted = phases[0][1].fit != "steps"
            budgets = [sum(p.epochs * p.steps_per_epoch for p in own if p is not None) for own in phases]
            assert budgets[0] == budgets[1] and (fitted or budgets[0] > 0)
            tuned = [own[1].model_dump() for own in phases]
            assert {key for key, value in tuned[0].items() if value != tuned[1][key]} <= DIFFERENT.get(pair, set())


def test_what_is_laid_over_before_leaves_nothing_behind(project: Path) -> None:
    """Rows of `low_data`, settings of `trials`: preset `soon` behind them is what it is alone."""
    for name in ("questions", "soon"):
        preset.apply(name)
    alone = load()
    for name in ("trials", "questions", "low_data", "soon"):
        preset.apply(name)
    behind = load()
    assert behind.data == alone.data and behind.compare == alone.compare and behind.methods == alone.methods
    assert [settings_of(behind, method) for method in behind.methods] == [settings_of(alone, m) for m in alone.methods]
    assert alone.compare[0] == questions.read(ROOT / "docs" / questions.QUESTIONS)["c"].updates  # whose end is the goal
