"""Every kind of damage has one line, and is mended from the cache, the remote, or by a new run of the stage."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from torch import nn

from protomtl import cli
from protomtl.core.files import digest_folder
from protomtl.training import resume
from protomtl.verification import md5_of
from tests.support.commands import call
from tests.support.once import Once

STAGES = """
stages:
  words:
    cmd: mkdir -p data/words && echo one >> ran && echo a word > data/words/a.txt && echo others > data/words/b.txt
    outs: [data/words]
  finetune:
    matrix: {method: [concat], seed: [1]}
    cmd: mkdir -p results && echo two >> ran && cat data/words/*.txt > results/${item.method}${item.seed}.txt
    deps: [data/words]
    outs: ["results/${item.method}${item.seed}.txt"]
"""
A, B, RESULT = Path("data/words/a.txt"), Path("data/words/b.txt"), Path("results/concat1.txt")
CACHE = Path(".dvc/cache/files/md5")
RUN = Path(".state/finetune/concat-seed1")
WHOLE = "all is whole: what dvc.lock records, the cache, and what is saved"
DEAD = 2**22 + 1  # no process has such a number


@pytest.fixture(scope="session")
def built(once: Once) -> Path:
    def build(folder: Path) -> None:
        call(folder, "git", "init", "-q")
        call(folder, "dvc", "init", "-q")
        (folder / "dvc.yaml").write_text(STAGES)
        (folder / ".gitignore").write_text(".state\nran\ndata\nresults\n")
        call(folder, "dvc", "repro", "-q")
        call(folder, "git", "add", "-A")
        call(folder, "git", "commit", "-qm", "results")

    return once("verified", build)


@pytest.fixture
def project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a project of two stages that have run; `ran` is empty."""
    project = Path(shutil.copytree(built, tmp_path / "p"))
    (project / "ran").write_text("")
    monkeypatch.chdir(project)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "notes"))
    call(project, "dvc", "status", "-q")  # DVC now knows each file by its time and size
    return project


def object_of(path: Path, suffix: str = "") -> Path:
    """The cache's object of a file, or of the folder data/words."""
    if suffix:
        (found,) = CACHE.glob("??/*.dir")
        return found
    md5 = md5_of(path)
    return CACHE / md5[:2] / md5[2:]


def flip(path: Path) -> None:
    """Another last byte but one; time, size and mode as before, as a disk does it."""
    before = path.stat()
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(before.st_mode)


def rotten_cache() -> str:
    damaged = object_of(A)
    flip(damaged)
    return f"{damaged}: other bytes than its name says; it is the cache's data/words/a.txt; --repair replaces it"


def rotten_list() -> str:
    damaged = object_of(A, ".dir")
    flip(damaged)
    return f"{damaged}: other bytes than its name says; it is the cache's data/words; --repair replaces it"


def rotten_output() -> str:
    flip(B)
    return f"{B}: other bytes than dvc.lock records; --repair restores it"


def truncated_output() -> str:
    RESULT.write_bytes(RESULT.read_bytes()[:5])
    return f"{RESULT}: cut off, 5 of 14 bytes; --repair restores it"


def missing_file() -> str:
    RESULT.unlink()
    return f"{RESULT}: is not there; --repair restores it"


def missing_object() -> str:
    object_of(B).unlink()
    return f"{B}: is not in the cache; --repair stores it"


def stale_lock() -> str:
    held = {"pid": DEAD, "cmd": "dvc repro"}
    Path(".dvc/tmp/rwlock").write_text(json.dumps({"write": {str(Path.cwd() / RESULT): held}, "read": {}}))
    Path(".dvc/tmp/lock").write_text(f" {DEAD}\n")  # free all the same: whoever held it is gone
    return ".dvc/tmp/rwlock: a lock of a process that is no more; --repair removes this lock"


def cut_lock() -> str:
    Path(".dvc/tmp/rwlock").write_text('{"write": {"')
    return ".dvc/tmp/rwlock: a lock that was cut off while it was written; --repair removes this lock"


def save_state() -> Path:
    path = RUN / "0123/state.safetensors"
    path.parent.mkdir(parents=True)
    (RUN / "lock").touch()
    resume.save(path, nn.Linear(2, 2), None, {"done": 3})
    return path


def old_state() -> str:
    save_state()
    return f"{RUN}: the saved state of a training that is finished; --repair removes this state"


DAMAGES: dict[str, tuple[Callable[[], str], ...]] = {  # those of one line do not get in each other's way
    "a flipped byte in cache and output, a cut output": (rotten_cache, rotten_output, truncated_output),
    "a stale lock, an old state, a missing object": (stale_lock, old_state, missing_object),
    "a flipped byte in the list of a folder, a missing file, a cut lock": (rotten_list, missing_file, cut_lock),
}


def verify(*more: str, code: int = 0) -> list[str]:
    """What the command says, and that it ends with `code`."""
    said = io.StringIO()
    with redirect_stdout(said), pytest.raises(SystemExit) as end:
        cli.run(["verify", *more])
    assert int(end.value.code or 0) == code, said.getvalue()
    return said.getvalue().splitlines()


def is_whole(built: Path) -> None:
    """As it was built, also what is in the cache."""
    for folder in ("data", "results", str(CACHE)):
        assert digest_folder(Path(folder)) == digest_folder(built / folder)
    assert Path("dvc.lock").read_bytes() == (built / "dvc.lock").read_bytes()


@pytest.mark.parametrize("damages", DAMAGES)
def test_a_damage_has_one_line_and_is_mended_without_a_run(damages: str, project: Path, built: Path) -> None:
    lines = [damage() for damage in DAMAGES[damages]]
    found = verify(code=1)
    assert set(lines) <= set(found) and len(found) <= len(lines) + 2  # a folder without its list is not in the cache
    assert verify("--repair") == [WHOLE]
    is_whole(built)
    assert (project / "ran").read_text() == ""
    assert saved() == []


def saved() -> list[Path]:
    return [path for path in RUN.rglob("*") if path.is_file() and path.name != "lock"]


def test_what_is_lost_here_and_in_the_cache_is_run_again(project: Path, built: Path) -> None:
    """Only its own stage: the one before it is whole."""
    flip(object_of(RESULT))
    RESULT.unlink()
    assert len(verify(code=1)) == 2
    assert "run again: finetune@concat-1" in verify("--repair")
    is_whole(built)
    assert (project / "ran").read_text() == "two\n"


def test_what_is_lost_here_comes_from_the_remote(project: Path, built: Path, tmp_path: Path) -> None:
    call(project, "dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    call(project, "dvc", "push", "-q")
    for path in (A, RESULT):
        flip(object_of(path))
        path.unlink()
    assert len(verify(code=1)) == 4
    verify("--repair")
    is_whole(built)
    assert (project / "ran").read_text() == ""


def test_a_file_that_no_stage_made_is_left_to_its_owner(project: Path) -> None:
    (A.parent / "notes.txt").write_text("mine")
    flip(B)
    line = f"{A.parent}/notes.txt: lies in an output, but no stage made it; move it elsewhere"
    assert line in verify(code=1)
    assert verify("--repair", code=1) == [line]
    assert (A.parent / "notes.txt").read_text() == "mine" and B.read_text() == "others\n"


def test_the_state_of_a_training_that_is_to_go_on_is_no_damage_unless_it_is_damaged(project: Path) -> None:
    stages = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(stages.replace("echo two", "echo three"))  # its result is out of date
    state = save_state()
    assert verify() == [WHOLE] and state.exists()
    state.write_bytes(state.read_bytes()[:-1])
    assert verify(code=1) == [f"{state}: damaged, training would begin anew; --repair removes this state"]
    verify("--repair")
    assert saved() == []


def test_nothing_is_touched_while_a_run_is_under_way(project: Path) -> None:
    flip(B)
    code = "import fcntl,sys; f=open('.state/run','w'); fcntl.flock(f, 2); print(flush=True); sys.stdin.read()"
    Path(".state").mkdir()
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) as other:
        assert other.stdout and other.stdout.readline()
        assert "another run is under way" in call(project, "protomtl", "verify", "--repair", code=2).stderr
        other.communicate(b"")
    Path(".dvc/tmp/rwlock").write_text(json.dumps({"write": {"x": {"pid": os.getpid(), "cmd": "dvc repro"}}}))
    assert "another run is under way" in call(project, "protomtl", "verify", "--repair", code=2).stderr


def test_a_project_that_dvc_cannot_read_is_one_line(project: Path) -> None:
    (project / "dvc.lock").write_text("stages: [")
    assert "Traceback" not in call(project, "protomtl", "verify", code=2).stderr
    (project / "dvc.lock").unlink()
    assert "dvc.lock: not there" in call(project, "protomtl", "verify", code=2).stderr
