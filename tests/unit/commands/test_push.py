"""`protomtl push`: what goes to the hub is shown first, is an export and nothing else, and loads from there."""

import io
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

import protomtl
from protomtl import cli
from protomtl.backends.whole import sealed
from tests.support import ROOT
from tests.support.hub import named, serving
from tests.support.hub_content import READER, Fault, Hub
from tests.support.hub_faults import answering, dead, saying
from tests.support.hub_pages import reply

OLD = ROOT / "tests/support/export_0_1"
NAME, TEXTS = "org/model", ["a good film", "the dog sits"]
MINE = {  # a user's own, and what no export has
    **{
        "notes.txt": b"mine",
        "pytorch_model.bin": b"\x80\x04.",
        "modeling.py": b"",
        "model.pt": b"",
        "more/config.json": b"",
    },
    **{".git/config": b"", ".env": b"SECRET=1"},
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub of this process, empty; in the current folder there is `export`, with a user's files in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    shutil.copytree(OLD, "export")
    for name, content in MINE.items():
        Path("export", name).parent.mkdir(exist_ok=True)
        Path("export", name).write_bytes(content)
    with serving() as found:
        named(found, monkeypatch, tmp_path / "cache")
        yield found


def push(*words: str) -> None:
    cli.run(["push", "export", NAME, *words])


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The last line on standard error."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        cli.run(["push", *(words or ("export", NAME, "--yes"))])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert not out
    last = err.splitlines()[-1]
    assert last.startswith("protomtl push: ")
    return last.removeprefix("protomtl push: ")


def test_an_export_goes_there_alone_and_loads_from_there(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    push("--yes")
    out, err = capsys.readouterr()
    repository = hub.repositories[NAME]
    commit = repository.refs["main"]
    wanted = {path.relative_to(OLD).as_posix() for path in OLD.rglob("*") if path.is_file()} - {"said.json"}
    assert {*repository.files} - {".gitattributes"} == wanted
    assert repository.messages[-1] == "cosine, seed 1, by protomtl"
    address, line = out.splitlines()
    assert address == f"{hub.address}/{NAME}/commit/{commit}"
    assert line == f'protomtl.load("{NAME}", revision="{commit}")'
    model = eval(line, {"protomtl": protomtl})  # noqa: S307  # as a reader does
    np.testing.assert_array_equal(model.encode(TEXTS), protomtl.load(OLD).encode(TEXTS))
    assert re.search(
        r"^export → http.*/org/model \(new, public unless its owner's settings say otherwise\)$", err, re.M
    )
    assert re.search(r"^  model\.safetensors +95,608 bytes$", err, re.M) and "13 files, 0.1 MB" in err
    left_out = next(line for line in err.splitlines() if line.startswith("left out"))
    for name in ("said.json", *MINE):
        assert (name in left_out) is not name.startswith(".")


def test_the_card_keeps_its_fields_and_names_the_repository(hub: Hub) -> None:
    push("--yes")
    here, there = (OLD / "README.md").read_text(), hub.repositories[NAME].files["README.md"].decode()
    assert there == here.replace('"FOLDER"', '"org/model"') != here
    front = [yaml.safe_load(text.split("---")[1]) for text in (here, there)]
    assert front[0] == front[1]


def test_a_person_is_asked(hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for answer in ("\n", "n\n", "no\n", "", "maybe\n"):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        with pytest.raises(SystemExit, match="nothing was pushed"):
            push()
    assert not hub.repositories and capsys.readouterr().err.count("Push this? [y/N] ") == 5
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    push()
    assert NAME in hub.repositories


def test_nobody_to_ask_is_refused_after_showing(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "export", NAME) == (
        f"{NAME}: nothing was pushed, for there is no terminal to ask on; say --yes"
    )
    assert not hub.repositories


def test_private_is_private(hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    push("--yes", "--private")
    assert hub.repositories[NAME].private and "(new, private)" in capsys.readouterr().err
    push("--yes")
    assert hub.repositories[NAME].private
    hub.repositories[NAME].private = False
    assert "is there already, and everybody sees it" in refused(capsys, "export", NAME, "--yes", "--private")


def test_an_older_export_is_replaced_in_one_commit(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    push("--yes")
    repository = hub.repositories[NAME]
    theirs = {"picture.png": b"png", "onnx/model.onnx": b"older", "model-00001-of-00002.safetensors": b"older"}
    repository.commit(repository.files | theirs | {"heads.safetensors": b"older"})
    count = len(repository.commits)
    capsys.readouterr()
    push("--yes")
    assert len(repository.commits) == count + 1
    assert repository.files["heads.safetensors"] == (OLD / "heads.safetensors").read_bytes()
    assert repository.files["picture.png"] == b"png"
    assert not {"onnx/model.onnx", "model-00001-of-00002.safetensors"} & {*repository.files}
    err = capsys.readouterr().err
    assert "(an older one is replaced; public)" in err
    assert "removed there, for they are of the older export: onnx/model.onnx, model-00001-of-00002.safetensors" in err


def test_the_same_again_is_no_commit(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        push("--yes")
    repository = hub.repositories[NAME]
    assert len(repository.commits) == 2  # that of `create`, and ours
    assert capsys.readouterr().out.count(repository.refs["main"]) == 4


def test_training_rows_are_told_of(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = protomtl.load("export").tasks
    rows = {name: [{"texts": ["a"] * len(task.texts), "label": "x"}] for name, task in tasks.items()}
    Path("export/examples.json").write_text(json.dumps(rows))
    save_file({name: np.ones((1, 32), np.float16) for name in rows}, "export/examples.safetensors")
    push("--yes")
    assert "examples.json has texts of training rows" in capsys.readouterr().err
    assert {"examples.json", "examples.safetensors"} <= {*hub.repositories[NAME].files}


Prepare = Callable[[Hub, pytest.MonkeyPatch], object]
REFUSED: dict[str, tuple[Prepare, str]] = {
    "no login": (lambda hub, patch: patch.delenv("HF_TOKEN"), "there is no login; `hf auth login`, or set HF_TOKEN"),
    "another token": (lambda hub, patch: patch.setenv("HF_TOKEN", "hf_x"), "the hub does not know your token"),
    "a token that only reads": (lambda hub, patch: patch.setenv("HF_TOKEN", READER), "your token may not do this"),
    "a repository of others": (
        lambda hub, _: hub.holding(NAME, {"config.json": b"{}", "README.md": b""}),
        "is there already and holds no export of protomtl; choose another name",
    ),
    "busy": (lambda hub, _: hub.faults.append(Fault("", answering(503), 99)), "the hub was not reached: http.* 503"),
    "no hub": (lambda hub, _: hub.faults.append(Fault("", dead, 99)), "the hub was not reached: Server disconnected"),
    "a commit meanwhile": (lambda hub, _: meanwhile(hub), "was changed meanwhile; look at it, and do this again"),
    "an upload that fails": (lambda hub, _: hub.faults.append(Fault("PUT", answering(501), 99)), "http.* answers 501"),
    "no card": (lambda hub, _: Path("export/README.md").unlink(), "export: has no README.md, the model card"),
    "damaged": (lambda hub, _: Path("export/heads.safetensors").write_bytes(b"x"), "cannot be read as safetensors"),
    "no export": (lambda hub, _: Path("export/protomtl.json").unlink(), "export: no protomtl.json there"),
}


@pytest.mark.parametrize("said", [b"[]", b"null", b"<html>", b'"ok"', b""])
@pytest.mark.parametrize(
    "page", ["models/org/model$", "repos/create", "validate-yaml", "preupload", "batch", "commit/"]
)
def test_what_is_no_hub_is_told_so_wherever_it_answers(
    page: str, said: bytes, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.faults.append(Fault(page, saying(said), 99))
    assert re.match(rf"{NAME}: .*http", refused(capsys))


def meanwhile(hub: Hub) -> None:
    """Another pushes just before our commit."""
    hub.holding(NAME, {"protomtl.json": b"{}"})

    def act(request: object, content: bytes) -> None:
        hub.repositories[NAME].commit({"protomtl.json": b"[]"})
        reply(request, {"errors": [], "warnings": []})

    hub.faults.append(Fault("validate-yaml", act))


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_pushed_is_one_line(
    case: str, hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare, words = REFUSED[case]
    prepare(hub, monkeypatch)
    assert re.search(words, refused(capsys))
    assert not any("protomtl" in message for found in hub.repositories.values() for message in found.messages)


@pytest.mark.parametrize("name", ["model", "org/model@main", "a/b/c", "../model", "org--x/model"])
def test_a_name_that_is_none_is_refused(name: str, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert name.partition("@")[0] in refused(capsys, "export", name, "--yes") and not hub.repositories


def test_what_failed_half_way_is_pushed_by_the_same_command(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.faults = [Fault("POST /api/models/.*/commit", answering(500))]
    assert "500" in refused(capsys)
    assert {*hub.repositories[NAME].files} == {".gitattributes"}
    push("--yes")
    assert "heads.safetensors" in hub.repositories[NAME].files


def test_only_files_that_the_export_names_go_there(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that an export may have is not enough: what lies behind it may be anybody's."""
    Path("secret").write_text("mine")
    record = Path("export/protomtl.json")
    record.write_text(json.dumps(sealed(OLD, json.loads(record.read_text()))))
    Path("export/vocab.json").symlink_to(Path("secret").resolve())
    push("--yes")
    assert "vocab.json" not in hub.repositories[NAME].files and "vocab.json" in capsys.readouterr().err
    assert {"model.safetensors", "README.md", "protomtl.json"} <= {*hub.repositories[NAME].files}
