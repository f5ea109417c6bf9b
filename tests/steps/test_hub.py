"""Models of the hub in all commands that take a model, by the variables by which huggingface_hub is told."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

import protomtl
from protomtl import cli
from tests.support import ROOT
from tests.support.commands import call
from tests.support.hub import named, serving
from tests.support.hub_content import OWNER, Hub

OLD, NAME = ROOT / "tests/support/export_0_1", "org/model"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one model, in the environment of commands and in this process."""
    monkeypatch.chdir(tmp_path)
    with serving() as found:
        named(found, monkeypatch, tmp_path / "cache")
        variables = {"ENDPOINT": found.address, "HUB_CACHE": str(tmp_path / "cache"), "HUB_DISABLE_XET": "1"}
        for name, value in {**variables, "TOKEN": OWNER, "HUB_OFFLINE": "0"}.items():
            monkeypatch.setenv(f"HF_{name}", value)
        files = {path.relative_to(OLD).as_posix(): path for path in OLD.rglob("*") if path.is_file()}
        found.holding(NAME, {name: path.read_bytes() for name, path in files.items()})
        yield found


def test_what_is_pushed_is_predicted_with(hub: Hub, tmp_path: Path) -> None:
    hub.repositories.clear()
    pushed = call(tmp_path, "protomtl", "push", str(OLD), NAME, "--yes")
    assert pushed.stdout.endswith(f'protomtl.load("{NAME}", revision="{hub.repositories[NAME].refs["main"]}")\n')
    (tmp_path / "rows.txt").write_text("a good film\nthe dog sits\n")
    said = call(tmp_path, "protomtl", "predict", "--model", f"{NAME}@main", "--task", "sst", "--input", "rows.txt")
    labels = [int(row["prediction"]) for row in csv.DictReader(said.stdout.splitlines())]
    assert labels == protomtl.load(OLD).predict("sst", ["a good film", "the dog sits"]).tolist()
    assert "13 files, 0.1 MB" in said.stderr


def test_each_command_that_takes_a_model_takes_a_name(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("text,label,sentence,sentiment\na good film,a,a good film,4\nbad,b,bad,0\n")
    opened: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, words: opened.append(words))
    rows = ("--input", "rows.csv", "--columns", "text")
    commands = {
        "predict": ("--model", NAME, "--task", "sst", *rows),
        "encode": ("--model", NAME, *rows),
        "similar": ("--model", NAME, "--among", "rows.csv", *rows),
        "classify": ("--model", NAME, "--support", "rows.csv", *rows),
        "stress": (NAME, "--data", "rows.csv", "--task", "sst", "--about", "opinion"),
        "demo": ("--model", NAME),
    }
    assert {name for name in cli.commands() if "MODEL" in usage(name)} == {*commands}
    for name, given in commands.items():
        hub.asked.clear()
        cli.run([name, *given])
        assert f"GET /api/models/{NAME}/revision/main" in hub.asked, name
    assert Path(opened[0][-1]).name == hub.repositories[NAME].refs["main"]
    assert "Robust? org/model" in (tmp_path / "stress.html").read_text()


def usage(name: str) -> list[str]:
    """The words of a command's own help."""
    parser = cli.parser(name)
    (group,) = (action for action in parser._actions if action.dest == "command")
    assert isinstance(group.choices, dict)
    return [word.strip("[],") for word in group.choices[name].format_help().split()]


@pytest.mark.parametrize("name", ["predict", "encode", "similar", "classify", "stress", "demo"])
def test_what_the_hub_has_not_is_one_line(
    name: str, hub: Hub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (rows := tmp_path / "rows.csv").write_text("text,label\na film,good\n")
    files = {"similar": ["--among", str(rows)], "classify": ["--support", str(rows)]}
    more = {"predict": ["--task", "sst"]} | files
    model = ["org/none"] if name == "stress" else ["--model", "org/none"]
    with pytest.raises(SystemExit) as caught:
        cli.run([name, *model, *more.get(name, [])])
    said = capsys.readouterr().err or f"{caught.value.code}\n"
    assert said.startswith(f"protomtl {name}: org/none: no such model at {hub.address}") and said.count("\n") == 1
