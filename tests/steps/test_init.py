"""`protomtl init`: from a user's file to figures; what is there stays, and nothing is half written."""

import argparse
import gzip
import importlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import protomtl
from protomtl import cli
from protomtl.commands.init import folder_name
from protomtl.core.files import read_json
from protomtl.core.settings import SPLITS
from protomtl.params import load
from tests.support.makers import patch_params, sentence
from tests.support.steps import run_all, run_steps


def init(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What the command says; its status is `code`, and 2 without --yes, since nobody can be asked here."""
    if code := code or (2 if "--yes" not in words else 0):
        with pytest.raises(SystemExit) as caught:
            cli.run(["init", *words])
        assert caught.value.code == code
    else:
        cli.run(["init", *words])
    shown = capsys.readouterr()
    return shown.out + shown.err


@pytest.fixture
def sick(workdir: Path) -> Path:
    """Pairs with two labels in one file, semicolons, UTF-16, and a column that names the splits."""
    random = np.random.default_rng(1)
    lines = ["pair_ID;sentence_A;sentence_B;entailment_label;relatedness_score;SemEval_set"]
    for i in range(96):
        a = sentence(random, "cat")
        b, label, score = ((a, "ENTAILMENT", 4.5), (sentence(random, "dog"), "NEUTRAL", 2.25))[i % 2]
        lines.append(f'{i};{a};"{b}";{label};{score + i % 5 / 10};{["TRAIN", "TRAIN", "TRIAL", "TEST"][i // 2 % 4]}')
    path = workdir / "SICK.TXT"
    path.write_bytes("\r\n".join(lines).encode("utf-16"))
    return path


def test_from_a_file_to_a_table(sick: Path, workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = sick.read_bytes()
    said = init(capsys, str(sick), "--yes")
    assert "train: 48 rows (ENTAILMENT: 24, NEUTRAL: 24)" in said and "range: [2, 5]" in said
    assert "drawn" not in said and sick.read_bytes() == original
    assert "Splits: as column SemEval_set says\n" in said and "no task reads" not in said
    params = load()
    assert [*params.tasks] == ["entailment", "relatedness"] and params.data.folder == "data/own/SICK"
    assert {"entailment_weighted", "relatedness_weighted"} < {*params.methods} and "sst_weighted" not in params.methods
    patch_params(workdir, {"methods": ["concat", "prototypical", "entailment_weighted"]})
    patch_params(workdir, {"embed": {"method": "concat"}, "export": {"method": "concat"}})
    run_all()
    table = Path("results/tables/table1.md").read_text()
    assert "Accuracy for entailment; Pearson correlation for relatedness. Overall is their mean." in table
    assert "paper" not in table.lower() and "entailment weighted" in table and "overall, rescaled" in table
    assert pd.read_csv("results/tables/table1.csv")["overall_paper"].isna().all()
    card = Path("results/export/README.md").read_text()
    assert 'model.predict("entailment", ("A man runs.", "Someone is running."))  # ENTAILMENT or NEUTRAL' in card
    assert "film" not in card.split("## Training data")[1] and "language: en" not in card
    report = Path("results/report/errors.html").read_text()
    assert "<td>ENTAILMENT</td>" in report and "paper" not in Path("results/report/table1.html").read_text()


def test_two_files_of_two_data_sets_become_tasks_side_by_side(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Single texts with four classes, and pairs with scores, of which the test rows are given."""
    topics = [(f"{noun} {i} is a good story", noun) for i in range(20) for noun in ("cat", "dog", "film", "guitar")]
    pd.DataFrame(topics, columns=["text", "label"]).to_csv("topics.csv", index=False)
    for name, rows in (("pairs_train.csv", 60), ("pairs-test.csv", 9)):
        pairs = [(f"the {name} {i} cat", f"a {name} {i} dog", i % 9 / 2) for i in range(rows)]
        pd.DataFrame(pairs, columns=["left", "right", "score"]).to_csv(name, index=False)
    words = ["topics.csv", "pairs_train.csv", "pairs-test.csv", "--text", "left", "right"]
    said = init(capsys, *words, "--yes")
    assert "Splits dev and test of topics: drawn" in said and "Splits dev of pairs: drawn" in said
    assert "tasks: topics, pairs; without sst, para, sts" in said
    params = load()
    assert params.data.folder == "data/own/topics_pairs" and {"topics_weighted", "pairs_weighted"} < {*params.methods}
    assert params.tasks["topics"].classes == ["cat", "dog", "film", "guitar"]
    assert params.tasks["pairs"].files.test == "pairs/test.csv" and params.tasks["pairs"].texts == ["left", "right"]
    run_steps("download", "prepare")
    rows = {name: [len(pd.read_parquet(f"data/prepared/{name}/{s}.parquet")) for s in SPLITS] for name in params.tasks}
    assert rows == {"topics": [64, 8, 8], "pairs": [54, 6, 9]}


def test_what_is_wrong_with_one_of_several_data_sets_names_it(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("params.yaml").read_bytes()
    for name, rows in (("moods.csv", 60), ("topics.csv", 9)):
        lines = [f"a {('good', 'bad')[i % 2]} film {i},{i % 2}" for i in range(rows)]
        Path(name).write_text("\n".join(["text,label", *lines]))
    said = init(capsys, "moods.csv", "topics.csv", "--yes", code=2)
    assert said.startswith("protomtl init: topics: 9 rows are too few") and Path("params.yaml").read_bytes() == before


def test_every_figure_that_counts_is_that_of_the_task(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two classes by macro-F1 and values by their error: overall is of the classes alone."""
    for name in ("train", "dev", "test"):
        moods = [("good", "up", 1.5), ("bad", "down", 2.25)]
        rows = [(f"{w} film {i}", y, v) for i in range(12) for w, y, v in moods]
        pd.DataFrame(rows, columns=["text", "mood_label", "grade"]).to_csv(f"{name}.csv", index=False)
    init(capsys, "train.csv", "dev.csv", "test.csv", "--name", "moods", "--yes")
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("accuracy", "macro_f1").replace("metric: pearson", "metric: rmse"))
    patch_params(
        workdir, {"methods": ["concat", "cosine"], "embed": {"method": "concat"}, "export": {"method": "concat"}}
    )
    run_all()
    found = read_json("results/evaluate/concat/seed1/metrics.json")["dev"]
    assert found["overall"] == found["mood"] == found["overall_rescaled"]
    assert {"mood_accuracy", "mood_nearest", "grade", "grade_pearson", "grade_spearman"} < {*found}
    table = Path("results/tables/table1.md").read_text()
    assert "Macro-F1 for mood; root mean squared error for grade." in table
    assert "Less is better for grade" in table and "rescaled" not in table
    rows = pd.read_csv("results/tables/comparisons.csv").set_index(["split", "figure"])
    other = read_json("results/evaluate/cosine/seed1/metrics.json")["dev"]
    assert rows.loc[("dev", "grade"), "difference"] == pytest.approx(found["grade"] - other["grade"], abs=1e-4)


def test_several_labels_a_row_go_through_every_step(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moods = [["joy"], ["fear", "love"], [], ["joy", "love"]]
    rows = [{"text": f"a good film {i} {' '.join(moods[i % 4])}", "emotions": moods[i % 4]} for i in range(120)]
    Path("feelings.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = init(capsys, "feelings.jsonl", "--yes")
    assert "kind: multilabel" in said and "classes: [fear, joy, love]" in said and "(fear: " in said
    methods = ["concat", "prototypical", "muppet", "softmax_pretrained"]
    patch_params(workdir, {"methods": methods, "export": {"method": "concat"}})
    run_all()
    folder = Path("results/evaluate/concat/seed1")
    rows = pd.read_csv(folder / "dev/emotions.csv")
    probabilities = rows[[f"score_{k}" for k in range(3)]].to_numpy()
    assert ((probabilities > 0.5) @ [1, 2, 4] == rows["prediction"]).all() and rows["gold"].between(0, 7).all()
    assert {"emotions", "emotions_accuracy", "overall"} < {*read_json(folder / "metrics.json")["dev"]}
    assert (
        not list(folder.rglob("*confusion*"))
        and "Macro-F1 for emotions" in Path("results/tables/table1.md").read_text()
    )
    assert "fear; love" in Path("results/report/errors.html").read_text()
    Path("in.txt").write_text("a good film joy\n")
    said = init_of(capsys, "predict", "--model", "results/export", "--task", "emotions", "--input", "in.txt")
    assert said.startswith("text,prediction,score_fear,score_joy,score_love\n")
    with pytest.raises(ValueError, match="task 'emotions' has several classes a row, which no prototypes with prior"):
        protomtl.load("results/export").by_prototypes("emotions", ["a good film"])


def init_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What another command writes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["protomtl", *words, "--output", "out.csv"])
        cli.main()
    return Path("out.csv").read_text()


def test_columns_of_0_and_1_side_by_side_are_prepared_as_one_task(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As toxic comments have them; each row then has the labels that its columns say."""
    names = ["toxic", "obscene", "threat", "insult"]
    flags = np.random.default_rng(1).integers(0, 2, (120, 4))
    rows = pd.DataFrame(flags, columns=names)
    rows.insert(0, "comment_text", [f"a comment of {i} words" for i in range(120)])
    rows.to_csv("comments.csv", index=False)
    said = init(capsys, "comments.csv", "--yes")
    assert "Task comments:\n  kind: multilabel\n  classes: [toxic, obscene, threat, insult]" in said
    assert "for a task of each: --label toxic obscene threat insult" in said and "no task reads" not in said
    run_steps("download", "prepare")
    found = pd.concat(pd.read_parquet(f"data/prepared/comments/{split}.parquet") for split in SPLITS)
    labels = dict(zip(found["text_a"], found["label"], strict=True))
    assert [labels[text] for text in rows["comment_text"]] == (flags @ [1, 2, 4, 8]).tolist()
    said = init(capsys, "comments.csv", "--name", "each", "--label", *names, "--yes")
    assert [*load().tasks] == names and "labels" not in Path("data/own/each/train.csv").read_text()
    assert "classes: [toxic, threat]" in init(capsys, "comments.csv", "--name", "two", "--label", "toxic,threat")


def test_a_file_that_lacks_a_column_is_named(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.csv").write_text("text,label\n" + "a good film,1\na bad film,0\n" * 9)
    Path("dev.csv").write_text("text,mood\na good film,1\n")
    Path("test.csv").write_text("text\na good film\n")
    said = init(capsys, "train.csv", "dev.csv", "test.csv", "--yes", code=2)
    assert "dev.csv: no column 'label'; it has 'text', 'mood'" in said
    Path("dev.csv").write_text("text,label\na good film,1\n")
    assert "test: 1 rows (no labels)" in init(capsys, "train.csv", "dev.csv", "test.csv", "--name", "mood", "--yes")
    assert [*load().tasks] == ["mood"]


def test_without_yes_and_without_a_terminal_nothing_is_written(
    sick: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (workdir / "params.yaml").read_bytes()
    said = "protomtl init: nothing was written, for there is no terminal to ask on; say --yes"
    assert said in init(capsys, str(sick), code=2)
    assert (workdir / "params.yaml").read_bytes() == before and not (workdir / "data/own/SICK").exists()


@pytest.mark.parametrize("gone", ["tasks", "method", "methods"])
def test_params_that_are_not_sound_are_told_as_they_are(gone: str, sick: Path, workdir: Path) -> None:
    content = yaml.safe_load(Path("params.yaml").read_text())
    del content[gone]
    Path("params.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(SystemExit, match=f"params.yaml: {gone}: Field required"):
        cli.run(["init", str(sick), "--yes"])


def test_what_is_there_stays(sick: Path, workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(capsys, str(sick), "--yes")
    kept = {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()}
    assert "data/own/SICK: is there already, and stays as it is" in init(capsys, str(sick), "--yes", code=2)
    assert {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize("what", ["an edit", "another init", "a folder"])
def test_what_happens_while_it_asks_is_not_undone(
    what: str, sick: Path, workdir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor saves params.yaml, or a second terminal is faster, between the question and the answer."""

    def agreed(_: bool) -> bool:
        monkeypatch.setattr(asking, "agreed", lambda _: True)
        if what == "an edit":
            Path("params.yaml").write_text(Path("params.yaml").read_text() + "# mine\n")
        elif what == "a folder":
            Path("data/own/SICK").mkdir()
        else:
            cli.run(["init", str(sick)])
        return True

    asking = importlib.import_module("protomtl.commands.init")
    monkeypatch.setattr(asking, "agreed", agreed)
    with pytest.raises(SystemExit) as caught:
        cli.run(["init", str(sick)])
    said = f"{caught.value} {capsys.readouterr().err}"
    if what == "a folder":
        assert "data/own/SICK: has come to be in the meantime" in said and not [*Path("data/own/SICK").iterdir()]
        assert "sst" in load().tasks
        return
    assert "params.yaml: has been changed in the meantime; nothing was written" in said
    assert ("# mine" in Path("params.yaml").read_text()) == (what == "an edit")
    assert Path("data/own/SICK").exists() == ("relatedness" in load().tasks) == (what == "another init")


def test_a_guess_that_is_wrong_can_be_said_and_rows_that_are_bad_are_counted(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"title": f"Film {i}", "body": f"it was a good film {i}", "topic": "ab"[i % 2], "lang": "en"} for i in range(60)
    ]
    rows[7]["topic"] = ""
    with gzip.open("notes.JSONL.gz", "wt") as file:
        file.write("\n".join(map(json.dumps, rows)))
    said = init(capsys, "notes.JSONL.gz", "--text", "title", "body", "--label", "topic", "--yes")
    assert "texts: [title, body]" in said and "dev and test: drawn with seed 2024" in said
    assert "rows that cannot be used: 1, the first: " in said
    assert load().tasks["topic"].classes == ["a", "b"]
    listed = pd.read_csv("data/own/notes/split.csv")
    assert listed["split"].value_counts().to_dict() == {"train": 48, "dev": 6, "test": 6} and len(listed) == 60


def test_a_label_that_no_name_says_is_the_last_column_that_can_be_one_and_its_rivals_are_told(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The column of the splits is no label, though its values repeat as classes do and though it stands last."""
    rows = [f"{'gut' if i % 2 else 'schlecht'},so ein langer Satz {i}" for i in range(60)]
    shop = [f"{row},{'Web' if i % 3 else 'Laden'}" for i, row in enumerate(rows)]
    split = [f"{row},{['train', 'train', 'dev', 'test'][i // 2 % 4]}" for i, row in enumerate(rows)]
    Path("urteile.csv").write_text("\n".join(["Urteil,Kommentar,Kanal", *shop]))
    Path("alone.csv").write_text("\n".join(["mood,text,split", *split]))
    told = "Kanal was taken for the label, as the last column that can be one, since no name says it; --label names"
    assert f"{told} another: Urteil" in init(capsys, "urteile.csv")
    assert "was taken for the label" not in init(capsys, "urteile.csv", "--label", "Kanal")
    said = init(capsys, "alone.csv")
    assert "Task mood:" in said and "Splits: as column split says" in said and "was taken" not in said


@pytest.mark.parametrize(("apart", "few"), [(8, True), (100, False)])
def test_a_split_that_is_far_from_a_tenth_is_told_with_its_reason(
    workdir: Path, capsys: pytest.CaptureFixture[str], apart: int, few: bool
) -> None:
    """100 pairs whose first text is one of ten hang together by their second ones, and so none can be held out."""
    rows = [f"the cat {i % 10},a dog {i // 10},{i % 2}" for i in range(100)]
    rows += [f"a bird {i},a fish {i},{i % 2}" for i in range(apart)]
    Path("pairs.csv").write_text("\n".join(["one,two,label", *rows]))
    said = init(capsys, "pairs.csv", "--yes")
    why = "rows, where a tenth is 10: rows that share texts with many others are all in train; files of dev and test"
    assert (why in said) == few


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("text,label\n" + "a good film,good\n" * 60, [], "column 'label': every row has 'good', so there is nothing"),
        ("text,label\n" + "a good film,1\na bad film,0\n" * 6, [], "are too few to draw test and dev from"),
        ("text,label\na good film,1\n", ["--label", "mood"], "--label mood: no such column; there are 'text', 'label'"),
        ("text,price\n" + "".join(f"a good film,{i}.5\n" for i in range(2000)), ["--label", "price"], "rescale"),
        ("text,label\na b c,1\n", ["--text", "text", "--label", "text"], "--label text: is a column of --text, too"),
        ("text,label\na b c,1\n", ["--text", "text", "text"], "--text text: is there twice; name each column once"),
        ("text,label\na b c,1\n", ["--label", "label", "label"], "--label label: is there twice"),
        ("text,my  label\n" + "a b c,1\n" * 9, ["--label", "my  label"], "column 'my label': every row has '1'"),
        ("text,label\n", [], "own.csv: no rows"),
        ("text,label\na b c,1\n", ["--name", "../x"], "--name '../x': letters, digits"),
        ("text,label\na b c,1\n", ["--name", "x" * 300], "make a name, 100 at most"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(
    content: str, words: list[str], message: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workdir / "own.csv").write_text(content)
    before = (workdir / "params.yaml").read_bytes()
    assert message in init(capsys, "own.csv", "--yes", *words, code=2)
    assert (workdir / "params.yaml").read_bytes() == before and not (workdir / "data/own/own").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("x" * 240 + ".csv", "x" * 100),
        ("é ü.csv", "e_u"),
        ("my.data.csv", "my"),
        ("SICK-2.txt", "SICK_2"),
        ("数据.csv", "data"),
        ("....csv", "data"),
    ],
)
def test_a_file_of_any_name_gives_the_folder_one(file: str, name: str) -> None:
    assert folder_name(argparse.Namespace(name=None, files=[file]), []) == name


def test_a_file_that_is_named_twice_is_said(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.csv").write_text("text,label\na good film,1\n")
    assert f"{workdir}/own.csv: is named twice; name each file once" in init(capsys, "own.csv", "./own.csv", code=2)


def test_a_task_of_the_name_of_another_block_has_a_block_of_its_own(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`sst_weighted` is there, and names other tasks beside it."""
    rows = [(f"a film of {i} words", "ab"[i % 2], "cd"[i % 3 % 2]) for i in range(60)]
    pd.DataFrame(rows, columns=["text", "sst", "mood"]).to_csv("own.csv", index=False)
    said = init(capsys, "own.csv", "--label", "sst", "mood", "--yes")
    assert "methods: with sst_weighted2, mood_weighted" in said
    assert {"sst_weighted2", "mood_weighted"} < {*load().methods}


@pytest.mark.parametrize(
    ("names", "folder"),
    [(["own_train.csv", "own_test.csv"], "own"), (["train.csv", "test.csv"], "mine"), (["train.csv"], "train")],
)
def test_data_are_named_by_what_names_share_or_by_their_folder(
    names: list[str], folder: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine").mkdir()
    for name in names:
        rows = [(f"a {name} film of {i} words", "ab"[i % 2], i % 7, "x/y") for i in range(60)]
        pd.DataFrame(rows, columns=["text", "label", "id", "where"]).to_csv(f"mine/{name}", index=False)
    said = init(capsys, *(f"mine/{name}" for name in names), "--yes")
    assert load().data.folder == f"data/own/{folder}" and [*load().tasks] == [folder]
    assert "column id: is id_column here" in said and "Columns that no task reads: id_column, where;" in said
    assert Path(f"data/own/{folder}/train.csv").read_text().startswith("text,label,id_column,where\n")


def test_a_text_that_is_none_is_an_empty_one(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As pandas writes it: rows of `nan` were texts."""
    rows = [
        ("NaN" if i % 5 == 0 else f"a film of {i} words", "nan" if i == 1 else "null", "ab"[i % 2]) for i in range(60)
    ]
    pd.DataFrame(rows, columns=["text", "note", "label"]).to_csv("own.csv", index=False)
    said = init(capsys, "own.csv", "--yes")
    assert re.search(r"rows that cannot be used: \d+, the first: train\.csv:\d+: column 'text' is empty", said)
    copy = pd.concat(pd.read_csv(f"data/own/own/{s}.csv", keep_default_na=False) for s in SPLITS)
    assert (copy["text"] == "").sum() == 12 and {*copy["note"]} == {"nan", "null"}


def test_the_first_row_that_cannot_be_used_is_told_whole(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = ["True", "False", "N/A"]
    rows = [(f"a film of {i} words", labels[i % 3]) for i in range(60)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv("own.csv", index=False)
    said = init(capsys, "own.csv", "--yes")
    assert "kind: binary" in said
    assert re.search(r"first: train\.csv:\d+: column 'label': 'N/A' is not a binary label among no, yes\n", said)
