"""Texts under stress, end to end in the tiny world: what is made, asked and shown; the command for one's own rows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import protomtl
from protomtl import calibration, cli
from protomtl.core.files import digest_folder, read_json
from protomtl.core.runs import Run
from protomtl.model.sequences import TokenTable
from protomtl.params import load
from protomtl.steps.report import calibrated, failing, stressed
from tests.support.makers import patch_params
from tests.support.steps import run_method, run_steps

METHODS = ["concat", "prototypical"]


def cases(task: str) -> pd.DataFrame:
    return pd.read_csv(f"data/perturbed/{task}.csv", dtype={"id": str}, keep_default_na=False)


def asked(method: str, task: str) -> pd.DataFrame:
    return pd.read_csv(f"results/stress/{method}/seed1/{task}.csv", dtype={"id": str}, keep_default_na=False)


@pytest.fixture
def complete(complete_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(complete_once)
    return complete_once


def test_texts_are_readable_and_their_tokens_are_theirs(complete: Path) -> None:
    for name, task in load().tasks.items():
        found = cases(name)
        table = TokenTable.open(Path("data/perturbed/tokens"), name, "all")
        assert len(table) == len(found) and {"typos_5", "typos_10", "case"} <= {*found["stress"]}
        np.testing.assert_array_equal(table.labels, found["label"])
        texts = ["text"] if len(task.texts) == 1 else ["text_a", "text_b"]
        originals = [text.replace("text", "original") for text in texts]
        clean = found[found["stress"] == "clean"]
        assert len(clean) and (clean[texts].to_numpy() == clean[originals].to_numpy()).all()
        assert {*found["split"]} == {"test"}
    assert {"turned", "itself"} <= {*cases("sts")["stress"]} and "negated" not in {*cases("sts")["stress"]}


def test_clean_rows_are_predicted_as_the_evaluation_has_them(complete: Path) -> None:
    for name in load().tasks:
        found = asked("concat", name)
        clean = found[found["stress"] == "clean"].set_index("id")
        whole = pd.read_csv(f"results/evaluate/concat/seed1/test/{name}.csv", dtype={"id": str}).set_index("id")
        np.testing.assert_allclose(clean["prediction"], whole.loc[clean.index, "prediction"], atol=2e-6)


def test_the_same_bytes_again(complete: Path, tmp_path: Path) -> None:
    before = digest_folder(complete / "data/perturbed") | digest_folder(complete / "results/stress/concat/seed1")
    run_steps("perturb")
    run_method("concat", "stress")
    assert before == digest_folder(complete / "data/perturbed") | digest_folder(
        complete / "results/stress/concat/seed1"
    )


def test_losses_are_those_of_the_predictions(complete: Path) -> None:
    params = load()
    tables = stressed.read([Run(m, 1) for m in METHODS], params.tasks)
    losses, _ = stressed.losses(tables, params.tasks)
    for method in METHODS:
        found = asked(method, "sst")
        typos = found[found["stress"] == "typos_10"].set_index("id")
        clean = found[found["stress"] == "clean"].set_index("id").loc[typos.index]
        row = losses[(losses["task"] == "sst") & (losses["stress"] == "typos_10") & (losses["method"] == method)].iloc[
            0
        ]
        right = [(of["prediction"] == of["label"]).mean() for of in (clean, typos)]
        assert row["clean"] == pytest.approx(right[0]) and row["figure"] == pytest.approx(right[1])
        assert row["loss"] == pytest.approx(right[0] - right[1]) and row["low"] <= row["loss"] <= row["high"]
        same = losses[(losses["stress"] == "case") & (losses["method"] == method)]
        assert (same["loss"] == 0).all()  # the tokenizer knows no capitals


def test_failures_are_counted_by_what_is_right(complete: Path) -> None:
    params = load()
    failures = failing.failures(stressed.read([Run("concat", 1)], params.tasks), params.tasks)
    found = asked("concat", "para")
    clean = found[found["stress"] == "clean"].set_index("id")["prediction"]
    turned, itself = (found[found["stress"] == stress].set_index("id") for stress in ("turned", "itself"))
    share = failures.set_index(["task", "stress"])["failed"]
    assert share["para", "turned"] == pytest.approx((turned["prediction"] != clean[turned.index]).mean())
    assert share["para", "itself"] == pytest.approx((itself["prediction"] != 1).mean())
    values = asked("concat", "sts")
    itself = values[values["stress"] == "itself"]
    assert share["sts", "itself"] == pytest.approx(((itself["prediction"] - 5).abs() > 0.5).mean())


def test_the_report_has_the_page_the_texts_and_the_pictures(complete: Path) -> None:
    page = (complete / "results/report/robust.html").read_text()
    assert "Robust?" in page and "typos in 10 % of the words" in page and "a text with itself" in page and "NLL" in page
    texts = (complete / "results/report/perturbed.html").read_text()
    assert cases("sst")["text"].iloc[-1] in texts and "original" in texts
    assert (complete / "results/report/robust-noise.png").exists()
    assert (complete / "results/report/robust-reliability-sst.png").exists()
    table = pd.read_csv(complete / "results/report/robust.csv")
    assert {"overall", "sst", "para", "sts"} == {*table["task"]} and {*table["method"]} == {*METHODS}


def test_temperatures_come_from_dev(complete: Path) -> None:
    params = load()
    table = calibrated.table([Run("concat", 1)], params.tasks)
    assert [*table["task"]] == ["sst", "para"]  # similarity has no probabilities
    dev = calibrated.read(Run("concat", 1), params.tasks["sst"], "sst", "dev")
    assert dev is not None
    heat = calibration.fit_temperature(np.log(dev.scores), dev.labels)
    assert table["T"].iloc[0] == pytest.approx(heat, rel=1e-3)


def test_all_rows_are_read_if_none_are_counted(prepared: Path) -> None:
    patch_params(prepared, {"perturb": {"rows": 0, "splits": ["dev", "test"], "noise": [0.3]}})
    run_steps("perturb")
    found = cases("sst")
    assert {*found["split"]} == {"dev", "test"} and len(found[found["stress"] == "clean"]) == 48
    assert "typos_30" in {*found["stress"]}


def test_few_rows_are_no_more_than_asked_for(prepared: Path) -> None:
    patch_params(prepared, {"perturb": {"rows": 30}})
    run_steps("perturb")
    assert 0 < sum(len(cases(name)) for name in load().tasks) <= 30


def test_too_few_rows_for_the_stresses_are_told(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patch_params(prepared, {"perturb": {"rows": 6}})
    run_steps("perturb")
    found = re.search(r"left out all: `perturb.rows` is too small: (\d+) have one row", capsys.readouterr().out)
    assert found and not len(cases("sst"))
    patch_params(prepared, {"perturb": {"rows": int(found[1])}})
    run_steps("perturb")
    assert len(cases("sst"))


def test_dev_takes_the_place_of_a_test_without_labels(workdir: Path) -> None:
    for path in (workdir / "data/own").glob("*-test.csv"):
        table = pd.read_csv(path, sep="\t", dtype=str)
        table.drop(columns=table.columns[-1]).to_csv(path, sep="\t", index=False)
    run_steps("download", "backbone", "prepare", "tokens", "perturb")
    assert {*cases("sst")["split"]} == {"dev"}


def test_a_task_of_which_nothing_is_said_has_noise_alone(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patch_params(prepared, {"perturb": {"about": {}}})
    run_steps("perturb")
    assert {*cases("para")["kind"]} == {"clean", "noise"}
    assert "perturb para: left out meaning: `perturb.about` does not say" in capsys.readouterr().out
    assert read_json("data/perturbed/report.json")["para"]["left_out"]


def test_an_exported_model_under_stress(complete: Path, tmp_path: Path) -> None:
    cli.run(["stress", "results/export", "--output", str(tmp_path / "page.html")])
    page = (tmp_path / "page.html").read_text()
    assert ("Robust?" in page and "<svg" in page and "two nouns exchanged" in page) or "a text with itself" in page
    assert not re.search(r"<script|<link|src=", page)


def test_ones_own_rows_under_stress(complete: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = str(complete / "results/export")
    monkeypatch.chdir(tmp_path)
    read = [f"The film is full of good dogs {k}" for k in range(20)]
    names = protomtl.load(model).classes("sst")
    rows = "".join(f"{text},{k % 5}\n" for k, text in enumerate(read))
    Path("own.csv").write_text(f"review,stars\n{rows}")
    cli.run(["stress", model, "--data", "own.csv", "--task", "sst", "--columns", "review", "--label", "stars"])
    page = Path("stress.html").read_text()
    assert "a negation put in" in page and "typos in 5 % of the words" in page
    assert (
        "Of own.csv (rows: 20), texts in &#39;review&#39;. Labels: column &#39;stars&#39;: numbers count from 0, so"
        in page
    )
    right = np.mean(protomtl.load(model).predict("sst", read) == np.array(names)[np.arange(20) % 5])
    assert f"The figure of each task is sst: accuracy. As they are sst has {right:.3f} (" in page
    likely = protomtl.load(model).predict_proba("sst", read)
    wanted = [f"{of(likely, np.arange(20) % 5):.3f}" for of in (calibration.nll, calibration.ece)]  # as it answers
    heads, cells = (
        re.findall(f"<{tag}[^>]*>([^<]*)</{tag}>", page.partition(">Calibration<")[2]) for tag in ("th", "td")
    )
    measured = dict(zip(heads, cells, strict=False))
    assert [measured["NLL, with T"], measured["ECE, with T"]] == wanted and "On test" not in page
    Path("bare.csv").write_text("sentence1,sentence2\nThe dog is here,A dog is here\n")
    cli.run(["stress", model, "--data", "bare.csv", "--task", "para", "--output", "bare.html"])
    bare = Path("bare.html").read_text()
    assert "no labels (none in column &#39;is_duplicate&#39;; --label names another)" in bare
    assert "As they are" not in bare


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name a MODEL"),
        (["nowhere"], "nowhere: no protomtl.json there"),
        (["MODEL"], "data/perturbed/report.json: not there; name your own rows with --data"),
        (["MODEL", "--data", "own.csv"], "--task TASK: is needed; the model has para, sst, sts"),
        (["--model", "MODEL", "--input", "own.csv"], "--task TASK: is needed; the model has para, sst, sts"),
        (["MODEL", "--model", "other"], "--model other: .* is named too; name one MODEL"),
        (["MODEL", "--data", "none.csv", "--task", "sst"], "none.csv: No such file"),
        (["MODEL", "--data", "own.csv", "--task", "sst"], "no column 'sentence'"),
        (
            ["MODEL", "--data", "own.csv", "--task", "sst", "--columns", "t", "--label", "y"],
            r"own.csv:2: column 'y': 'nine'",
        ),
        (["MODEL", "--data", "own.csv", "--task", "sst", "--columns", "t", "--label", "z"], "no column 'z'"),
        (
            ["MODEL", "--data", "own.csv", "--task", "para", "--columns", "t"],
            "--columns: the task needs 2, there are 1",
        ),
        (["MODEL", "--output", "."], "is a folder"),
        (["MODEL", "--data", "own.csv", "--task", "sst", "--output", "own.csv"], "is the file of --data, too"),
        (["MODEL", "--output", "page.csv"], "page.csv: stress writes .html; say so in the file's name"),
        (["MODEL", "--output", "-"], "-: stress writes .html"),
        (["MODEL", "--task", "sst"], "--task: is about your own rows; name them with --data"),
        (["MODEL", "--rows", "5"], "--rows: is about your own rows; name them with --data"),
        (["MODEL", "--data", "own.csv", "--task", "mood"], "--task mood: no such task; the model has"),
    ],
)
def test_what_a_user_can_get_wrong_is_one_line(
    words: list[str],
    message: str,
    complete: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text("t,y\nThe film is good,nine\n")
    with pytest.raises(SystemExit) as caught:
        cli.run(["stress", *(str(complete / "results/export") if word == "MODEL" else word for word in words)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("protomtl stress: ") and re.search(message, line)


OWN = {  # content of one's own file, what is asked of it, and the end of it: a message, or a word of the page
    "no letters": ("t,y\n...,3\n!!!,1\n", [], "no stress can change one of 2 rows"),
    "too few": (
        "t,y\nThe film is good,3\nA film is bad,1\n",
        ["--rows", "1"],
        "--rows 1: too few for 7 stresses; 7 have",
    ),
    "some without": ("t,y\nThe film is good,\nA film is bad,1\n", [], "own.csv:2: column 'y' has no label, as other"),
    "none with": ("t,y\nThe film is good,\nA film is bad,\n", [], "nothing can be asked of it: noise: these rows have"),
    "GLUE's": ("t,y\nThe film is good,-1\nA film is bad,-1\n", [], "noise: these rows have no labels"),
    "about a pair": ("t,y\nThe film is good,3\n", ["--about", "meaning"], "--about meaning: needs a pair"),
    "markup": ('t,y\n"The <b>film</b> & ""plot""",very positive\nGood dogs sit here,Negative\n', [], "&lt;b&gt;"),
    "one row": ("t,y\nThe film is good,3\n", [], "typos in 10 % of the words"),
    "equal rows": ("t,y\n" + "The film is good,3\n" * 12, [], "typos in 10 % of the words"),
}


@pytest.mark.parametrize("what", OWN)
def test_ones_own_rows_may_be_odd(
    what: str,
    complete: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    content, words, end = OWN[what]
    Path("own.csv").write_text(content)
    own = ["--data", "own.csv", "--task", "sst", "--columns", "t", "--label", "y"]
    try:
        cli.run(["stress", str(complete / "results/export"), *own, *words])
    except SystemExit as stop:
        assert stop.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert end in line and not Path("stress.html").exists()
    else:
        assert end in Path("stress.html").read_text()
    assert Path("own.csv").read_text() == content


def test_a_task_of_another_meaning_is_no_task_of_the_model(complete: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the same name: its labels would be held against other classes."""
    before = Path("params.yaml").read_text()
    try:
        patch_params(complete, {"tasks": {"sts": {**yaml.safe_load(before)["tasks"]["sts"], "range": [0, 6]}}})
        with pytest.raises(SystemExit, match="2"):
            cli.run(["stress", "results/export", "--output", "never.html"])
    finally:
        Path("params.yaml").write_text(before)
    assert "tasks.sts: the labels or texts of params.yaml are not those of the model's" in capsys.readouterr().err


def test_the_step_needs_its_seed(complete: Path) -> None:
    with pytest.raises(SystemExit, match="--seed is needed"):
        cli.run(["stress", "--method", "concat"])
