"""A trained model on the user's own texts, as commands: tables, JSON lines and streams in and out, and bad input."""

import csv
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

import protomtl
from protomtl import cli
from protomtl.cli import main
from protomtl.commands import classify
from tests.support.commands import PROTOMTL, call, environment

COMMANDS = ("predict", "encode", "similar", "classify")


def typed(line: str, capfd: pytest.CaptureFixture[str], text: bytes = b"") -> str:
    """Standard output of a command that reads `text`, in this process: another one would have to import torch."""
    with tempfile.TemporaryFile() as given:
        given.write(text)
        given.seek(0)
        kept = os.dup(0)
        os.dup2(given.fileno(), 0)
        try:
            with patch("sys.argv", line.split()):
                main()
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    return capfd.readouterr().out


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_predict_adds_columns_to_a_table(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('id,review\nx,"a good, good film"\ny,bad\n')
    command = f"protomtl predict --model {model} --task sst --input in.csv --columns review --output out.csv"
    call(tmp_path, *command.split())
    rows, scores = (
        rows_of((tmp_path / "out.csv").read_text()),
        protomtl.load(model).sentiment(["a good, good film", "bad"]),
    )
    assert [(row["id"], row["review"]) for row in rows] == [("x", "a good, good film"), ("y", "bad")]
    moods = ["very negative", "negative", "neutral", "positive", "very positive"]
    assert [row["prediction"] for row in rows] == [moods[k] for k in scores.argmax(1)]
    assert [[float(row[f"score_{mood}"]) for mood in moods] for row in rows] == [
        pytest.approx(s, abs=6e-5) for s in scores
    ]


def test_pairs_from_json_lines_to_json_lines(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = [("a cat runs", "a dog runs"), ("the man", "the man")]
    lines = [json.dumps({"n": n, "left": a, "right": b}) for n, (a, b) in enumerate(pairs)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n\n")
    command = f"protomtl predict --model {model} --task sts --input in.jsonl --columns left right --output out.jsonl"
    assert typed(command, capfd) == ""
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["n"] for row in rows] == [0, 1]
    assert [row["prediction"] for row in rows] == pytest.approx(protomtl.load(model).similarity(pairs), abs=6e-5)


def test_a_stream_of_lines(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = [*PROTOMTL, *f"predict --model {model} --task sst".split()]
    given = "good film\nschön, très bien\n\n".encode()
    run = subprocess.run(command, cwd=tmp_path, env=environment(), input=given, capture_output=True, check=True)
    assert [row["text"] for row in rows_of(run.stdout.decode())] == ["good film", "schön, très bien"]
    out = typed(f"protomtl encode --model {model}", capfd, b"good film\nbad\n")
    vectors = [json.loads(line)["vector"] for line in out.splitlines()]
    np.testing.assert_allclose(vectors, protomtl.load(model).encode(["good film", "bad"]), atol=1e-6)


def test_embed_to_an_array(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.tsv").write_text("text\tn\ngood film\t1\nbad\t2\n")
    command = f"protomtl encode --model {model} --input {tmp_path}/in.tsv --output {tmp_path}/out"
    typed(f"{command}.npy", capfd)
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), protomtl.load(model).encode(["good film", "bad"]), atol=1e-6
    )
    with pytest.raises(SystemExit) as stop:
        typed(f"{command}.csv", capfd)
    assert stop.value.code == 2


def test_similar_finds_the_nearest(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.txt").write_text("the cat sits\n")
    (tmp_path / "a.csv").write_text("text\na dull story\nthe cat sits\nthe dog sits\n")
    rows = rows_of(typed(f"protomtl similar --model {model} --input q.txt --among a.csv --top 2", capfd))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert (rows[0]["similar"], rows[0]["cosine"]) == ("the cat sits", "1.0")
    assert float(rows[1]["cosine"]) < 1


def test_classify_a_new_task_from_a_few_examples(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.csv").write_text("text,topic\nthe cat runs,animals\na dog sits,animals\nthe guitar plays,music\n")
    (tmp_path / "in.txt").write_text("the dog runs\na guitar\n")
    command = f"protomtl classify --model {model} --support few.csv --label topic --input in.txt"
    rows = rows_of(typed(command, capfd))
    vectors = protomtl.load(model).encode(
        ["the cat runs", "a dog sits", "the guitar plays", "the dog runs", "a guitar"]
    )
    expected = protomtl.PrototypeClassifier().fit(vectors[:3], ["animals", "animals", "music"])
    assert [row["prediction"] for row in rows] == expected.predict(vectors[3:]).tolist()
    assert [float(row["score_music"]) for row in rows] == pytest.approx(
        expected.predict_proba(vectors[3:])[:, 1], abs=6e-5
    )


def test_labels_that_differ_by_case_alone_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    classify.tell_alike("few.csv", ["Animals", "animals", "music", "Straße", "STRASSE"])
    assert capsys.readouterr().err.splitlines() == [
        "few.csv: labels 'Animals' and 'animals' differ by case alone and are two classes",
        "few.csv: labels 'Straße' and 'STRASSE' differ by case alone and are two classes",
    ]
    classify.tell_alike("few.csv", ["Animals", "music"])
    assert not capsys.readouterr().err


BAD: dict[str, tuple[str, bytes, str]] = {
    "an empty file": ("in.csv", b"", "in.csv: no rows"),
    "a header only": ("in.csv", b"text,id\n", "in.csv: no rows"),
    "no such file": ("", b"", "in.csv: No such file or directory"),
    "a missing column": (
        "in.csv",
        b"title,id\nx,1\n",
        "in.csv:2: no column 'text'; there is 'title', 'id': say --columns",
    ),
    "other separators": (
        "in.csv",
        b"text;id\nx;1\n",
        "in.csv:2: no column 'text'; there is 'text;id'; ';' seems to separate its columns: write commas or tabs",
    ),
    "an empty text": ("in.csv", b"text,id\ngood,1\n  ,2\n", "in.csv:3: column 'text' holds no text"),
    "a number where a text is needed": ("in.jsonl", b'{"text": 3}\n', "in.jsonl:1: column 'text' holds no text, but 3"),
    "a wrong encoding": ("in.csv", b"text\nsch\xf6n\n", "in.csv:2: not UTF-8; save the file as UTF-8"),
    "a binary file": ("in.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "in.csv:1: not UTF-8"),
    "zeros": ("in.txt", b"good\nbad\0\n", "in.txt:2: a binary file; a text file is needed"),
    "a huge line": ("in.txt", b"x" * (2**20 + 5), "in.txt:1: the line has more than 1,048,576 characters"),
    "too few fields": ("in.csv", b"text,id\ngood\n", "in.csv:2: 1 fields where the header has 2"),
    "an open quote": (
        "in.csv",
        b'text\n"good\nbad\n',
        "in.csv:2: not valid CSV: a quote that opens a field is not closed",
    ),
    "broken JSON": ("in.jsonl", b'{"text": "good"}\n{"text": \n', "in.jsonl:2: not valid JSON"),
    "JSON that is no object": ("in.jsonl", b'["good"]\n', "in.jsonl:1: an object is needed"),
    "an unknown ending": ("in.doc", b"good\n", "in.doc: unknown ending; use .csv, .tsv, .jsonl, .txt or say --format"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_said_and_leaves_no_output(
    name: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, content, message = BAD[name]
    if file:
        (tmp_path / file).write_bytes(content)
    error = run(
        capsys, "predict", model, tmp_path / (file or "in.csv"), "--task", "sst", "--output", str(tmp_path / "out.csv")
    )
    assert error.startswith("protomtl predict: ") and message in error
    assert "Traceback" not in error and not list(tmp_path.glob("out*"))


def run(capsys: pytest.CaptureFixture[str], command: str, model: Path, path: Path, *more: str) -> str:
    """What a command that fails with status 2 says, in this process."""
    words = ["protomtl", command, "--model", str(model), "--input", str(path), *more]
    with patch("sys.argv", words), pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_other_mistakes(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.csv").write_text("text,label\ngood,a\nbad,a\n")
    path = tmp_path / "in.csv"
    assert "--task nosuch: the model has para, sst, sts" in run(capsys, "predict", model, path, "--task", "nosuch")
    assert "task sts needs 2, there are 1" in run(capsys, "predict", model, path, "--task", "sts", "--columns", "text")
    assert "all rows are 'a'; examples of at least two" in run(capsys, "classify", model, path, "--support", str(path))
    no_label = run(capsys, "classify", model, path, "--support", str(path), "--label", "topic")
    assert "column 'topic' is missing or empty" in no_label and "say --label" in no_label
    assert "no protomtl.json there; `protomtl export" in run(capsys, "encode", tmp_path, path)
    assert "is a file; name the folder that `protomtl export` wrote" in run(capsys, "encode", path, path)
    two = run(capsys, "encode", model, path, "--columns", "text", "label")
    assert "--columns: encode needs 1, there are 2" in two
    (tmp_path / "in.jsonl").write_text('{"text": "good"}\n{"text": "bad", "id": 1}\n')
    mixed = run(capsys, "predict", model, tmp_path / "in.jsonl", "--task", "sst", "--output", str(tmp_path / "out.csv"))
    assert f"{tmp_path}/in.jsonl:2: column 'id' is not in the first row; give all rows the same columns" in mixed
    assert not (tmp_path / "out.csv").exists()


TAKEN = [("predict", "prediction"), ("predict", "score_neutral"), ("classify", "prediction"), ("classify", "score_b")]
TAKEN += [("similar", "rank"), ("similar", "cosine"), ("similar", "similar"), ("encode", "vector")]


@pytest.mark.parametrize(("command", "column"), TAKEN)
def test_a_column_of_the_input_is_never_overwritten(
    command: str, column: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text(f"text,{column}\ngood,mine\n")
    (tmp_path / "few.csv").write_text("text,label\ngood,a\nbad,b\n")
    more = {"predict": ["--task", "sst"], "classify": ["--support"], "similar": ["--among"], "encode": []}[command]
    more = [*more, str(tmp_path / "few.csv")] if command in ("classify", "similar") else more
    out = tmp_path / "out.jsonl"
    said = run(capsys, command, model, tmp_path / "in.csv", *more, "--output", str(out))
    assert f"in.csv:2: {command} writes a column {column!r}, too; rename that of the input" in said
    assert not out.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_that_is_a_folder_stays_and_no_model_is_loaded(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("text\ngood\n")
    (out := tmp_path / "out.jsonl").mkdir()
    (out / "thesis.txt").write_text("mine")
    (tmp_path / "link.jsonl").symlink_to(out)
    more = {"predict": ["--task", "sst"], "classify": ["--support", "x"], "similar": ["--among", "x"], "encode": []}
    for name in ("out.jsonl", "link.jsonl"):
        path = tmp_path / name
        said = run(capsys, command, tmp_path, tmp_path / "in.csv", *more[command], "--output", str(path))
        assert said == f"protomtl {command}: {path}: is a folder; name a file\n"
    assert (out / "thesis.txt").read_text() == "mine" and (tmp_path / "link.jsonl").is_symlink()


@pytest.mark.parametrize(
    ("command", "words"),
    [("predict", ["--task", "sst"]), ("classify", ["--support", "few.csv"]), ("similar", ["--among", "few.csv"])],
)
def test_an_output_that_is_read_from_stays(
    command: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "few.csv" if "few.csv" in words else "in.csv"
    for name in ("in.csv", "few.csv"):
        Path(name).write_text("text,label\ngood,1\n")
    said = run(capsys, command, tmp_path, Path("in.csv"), *words, "--output", f"./{source}")
    assert f"--output ./{source}: is the file of --{'input' if source == 'in.csv' else words[0][2:]}, too" in said
    assert Path(source).read_text() == "text,label\ngood,1\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--input", "nothing.csv"], "nothing.csv: No such file or directory"),
        (["--input", "in.doc"], "in.doc: unknown ending"),
        (["--input", ""], "'': unknown ending"),
        (["--input", "in.csv", "--among", "nothing.csv"], "nothing.csv: No such file or directory"),
        (["--input", "-", "--among", "-"], "--input and --among: both are standard input; name a file for one of them"),
        (["--input", "in.csv", "--columns", "text", "text"], "--columns: text is there twice; name each column once"),
    ],
)
def test_what_cannot_be_read_is_said_before_a_model_is_loaded(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no model to load."""
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("text\ngood\n")
    words = words if "--among" in words else [*words, "--among", "in.csv"]
    with patch("sys.argv", ["protomtl", "similar", "--model", "none", *words]), pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2 and capsys.readouterr().err.startswith(f"protomtl similar: {said}")


@pytest.mark.parametrize("name", ["out.csv", "out.npy"])
def test_an_older_output_is_replaced_behind_its_link_and_said(
    name: str, model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.txt").write_text("good\n")
    (tmp_path / f"real{name}").write_text("old")
    (tmp_path / name).symlink_to(f"real{name}")
    command = "encode" if name.endswith("npy") else "predict --task sst"
    with patch(
        "sys.argv", f"protomtl {command} --model {model} --input {tmp_path}/in.txt --output {tmp_path}/{name}".split()
    ):
        main()
    assert f"{tmp_path / name}: replaced" in capfd.readouterr().err
    assert (tmp_path / name).is_symlink() and (tmp_path / f"real{name}").read_bytes() != b"old"


@pytest.mark.parametrize("option", ["--threads 0", "--threads -1", "--threads 1.5", "--top -1", "--top 0", "--top x"])
def test_a_number_below_one_is_refused_before_anything(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"protomtl similar --model nowhere --among nowhere {option}".split()
    with patch("sys.argv", words), pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2 and "Input should be " in capsys.readouterr().err


LABELS = {
    "numbers and no": ([0, 1.0, 1, 0.0], {"0", "1"}),
    "numbers in words": (["1", "2", "1.0", 2], {"1", "2"}),
    "one accent in two codes": (["caf\u00e9", "tea", "cafe\u0301", "tea"], {"caf\u00e9", "tea"}),
    "no and yes": ([False, True, True, False], {"false", "true"}),
    "words with white space": ([" pos", "neg", "pos ", "neg\t"], {"pos", "neg"}),
}


@pytest.mark.parametrize("name", LABELS)
def test_equal_labels_are_one_class(
    name: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    labels, classes = LABELS[name]
    rows = [json.dumps({"text": text, "label": label}) for text, label in zip(TEXTS, labels, strict=True)]
    (tmp_path / "few.jsonl").write_text("\n".join(rows) + "\n")
    (tmp_path / "in.txt").write_text("the dog runs\n")
    (row,) = rows_of(typed(f"protomtl classify --model {model} --support few.jsonl --input in.txt", capfd))
    assert {column.removeprefix("score_") for column in row if column.startswith("score_")} == classes


TEXTS = ["the cat runs", "a dog sits", "the guitar plays", "the piano"]


@pytest.mark.parametrize("label", [["pos"], {"a": 1}, None, "", " ", float("nan"), "NaN", "null", "N/A"])
def test_what_is_no_label_is_refused(
    label: object, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few.jsonl").write_text("".join(json.dumps({"text": t, "label": label}) + "\n" for t in TEXTS))
    said = run(capsys, "classify", model, tmp_path / "few.jsonl", "--support", str(tmp_path / "few.jsonl"))
    assert "few.jsonl:1: column 'label'" in said or "few.jsonl:1: not valid JSON: NaN" in said


def test_standard_output_is_utf_8_in_any_locale(model: Path, tmp_path: Path) -> None:
    """As on a machine whose locale has no such letters."""
    command = [*PROTOMTL, *f"predict --model {model} --task sst".split()]
    latin = environment() | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run(command, cwd=tmp_path, env=latin, input="schön 😀\n".encode(), capture_output=True, check=True)
    assert rows_of(run.stdout.decode())[0]["text"] == "schön 😀"


def test_output_whose_ending_means_nothing_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("text\ngood\n")
    for command, name, endings in (("predict", "out.tsv", ".csv or .jsonl"), ("encode", "out.csv", ".npy or .jsonl")):
        more = ("--task", "sst") if command == "predict" else ()
        said = run(capsys, command, model, tmp_path / "in.csv", *more, "--output", str(tmp_path / name))
        assert f"{name}: {command} writes {endings}; say so in the file's name" in said
    assert not list(tmp_path.glob("out*"))


def test_an_older_output_survives_a_failure(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out.csv").write_text("mine")
    (tmp_path / "in.csv").write_bytes(b"text\n" + b"good\n" * 3000 + b"\xff\n")
    assert "in.csv:3002: not UTF-8" in run(
        capsys, "predict", model, tmp_path / "in.csv", "--task", "sst", "--output", str(tmp_path / "out.csv")
    )
    assert (tmp_path / "out.csv").read_text() == "mine"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_that_parse(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    from protomtl.cli import command_module, parser

    with pytest.raises(SystemExit, match=r"^0$"):
        typed(f"protomtl {command} --help", capfd)
    assert f"protomtl {command} --model" in capfd.readouterr().out
    for line in command_module(command).EXAMPLES.strip().splitlines():
        words = line.split("|")[-1].split(">")[0].split()
        assert words[0] == "protomtl" and parser(command).parse_args(words[1:]).command == command


def test_the_old_name_of_encode_goes_on_working_with_a_word(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text("good film\n")
    told = []
    for name in ("embed", "encode"):
        cli.run(f"{name} --model {model} --input in.txt".split())
        told.append(capfd.readouterr())
    assert told[0].out == told[1].out
    assert "now `protomtl encode`" in told[0].err and "now" not in told[1].err


def test_export_as_a_command(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project = shutil.copytree(model.parent, tmp_path / "project")
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit, match="needs --to DIR"):
        cli.run(["export", "cosine"])
    for options in (["--to", "taken"], ["--seed", "2"], ["--force"]):
        with pytest.raises(SystemExit, match="needs a METHOD"):
            cli.run(["export", *options])
    (project / "file").write_text("mine")
    (project / "link").symlink_to("file")
    for name in ("file", "link"):
        with pytest.raises(SystemExit, match=r"^2$"):
            typed(f"protomtl export cosine --to {name}", capfd)
        assert f"protomtl export: {name}: is a file; name a folder" in capfd.readouterr().err
    assert (project / "file").read_text() == "mine"
    call(project, *["protomtl", "export", "cosine", "--to", "taken"])
    typed("protomtl export", capfd)  # the step
    for folder in ("taken", "results/export"):
        assert (project / folder / "protomtl.json").read_bytes() == (model / "protomtl.json").read_bytes()
