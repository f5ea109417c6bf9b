"""The bridge on a project of plain shell commands: the files that docs/concepts/bridge.md tells others to write."""

import importlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from snakemake.io import is_flagged

from tests.support import ROOT
from tests.support.commands import call, environment
from tests.support.once import Once

BRIDGE = [f"workflow/bridge/{name}.py" for name in ("__init__", "call", "graph", "job", "left", "stages")]
COPIED = (*BRIDGE, "profiles/default/profile.yaml", ".dvc/config")
PARAMS = "letters: [a, b]\ntitles:\n  a: Alpha\n  b: Beta\n"
STAGES = {"clean", "words", "find@a", "find@b", "report"}
SNAKEMAKE = ("snakemake", "--cores", "2", "all")
Edit = tuple[str, str, str]  # path, what is there, what is to be there


def change(project: Path, path: str, old: str = "", new: str = "") -> None:
    """Replace a piece of a file, or remove the file or folder."""
    file = project / path
    if old:
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
    else:
        (shutil.rmtree if file.is_dir() else os.unlink)(file)


@pytest.fixture(scope="session")
def fresh(once: Once) -> Path:
    return once("fresh", write_project)


def write_project(project: Path) -> None:
    call(project, "git", "init", "-q")
    call(project, "dvc", "init", "-q")
    page = (ROOT / "docs/concepts/bridge.md").read_text()
    files = dict(re.findall(r"^`([^`]+)`:\n\n```\w*\n(.*?)```", page, re.DOTALL | re.MULTILINE))
    files |= {name: (ROOT / name).read_text() for name in COPIED}
    for name, text in {**files, "params.yaml": PARAMS, "data/text.txt": "A cat Barks\n"}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


@pytest.fixture(scope="session")
def built(once: Once, fresh: Path) -> Path:
    def build(folder: Path) -> None:
        shutil.copytree(fresh, folder, dirs_exist_ok=True)
        assert ran(folder) == STAGES

    return once("built", build)


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "p")


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "workflow"))
    return importlib.import_module("bridge")


def ran(project: Path, *command: str) -> set[str]:
    """The stages whose command was run; what DVC restores from its cache is not among them."""
    result = call(project, *(command or SNAKEMAKE))
    return set(re.findall(r"Running stage '([^']+)'", result.stdout + result.stderr))


def planned(project: Path, *more: str) -> set[str]:
    return set(re.findall(r"repro --single-item (.+)", call(project, "snakemake", "-n", "-p", "all", *more).stdout))


def nothing_to_do(project: Path) -> bool:
    return not planned(project) and "are up to date" in call(project, "dvc", "status").stdout


def outputs(project: Path) -> dict[str, str]:
    return {str(p.relative_to(project)): p.read_text() for p in (project / "out").rglob("*.txt")}


def error(project: Path) -> str:
    """The one line that says why no job could be planned."""
    result = call(project, "snakemake", "-n", "all", code=1)
    assert "Traceback" not in result.stdout + result.stderr
    profile, line = result.stderr.splitlines()
    assert profile.startswith("Using workflow specific profile")
    return line


def test_after_snakemake_there_is_nothing_to_do_for_either(project: Path) -> None:
    assert nothing_to_do(project)
    assert ran(project, "dvc", "repro") == set()
    assert planned(project, "--forceall") == STAGES


def test_after_dvc_there_is_nothing_to_do_for_either(fresh: Path, built: Path, tmp_path: Path) -> None:
    project = shutil.copytree(fresh, tmp_path / "p")
    assert ran(project, "dvc", "repro") == STAGES
    assert nothing_to_do(project)
    assert outputs(project) == outputs(built)


EDITS: dict[str, tuple[Edit, set[str]]] = {
    "a source": (("data/text.txt", "A cat Barks", "a bird"), STAGES),
    "a source, with the same outcome": (("data/text.txt", "A cat", "a CAT"), {"clean"}),
    "the parameter of one item": (("params.yaml", "Beta", "Bravo"), {"find@b", "report"}),
    "a new item": (("params.yaml", "b]\ntitles:", "b, c]\ntitles:\n  c: Cedar"), {"find@c", "report"}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_runs_what_depends_on_it(project: Path, edit: str) -> None:
    what, expected = EDITS[edit]
    change(project, *what)
    assert ran(project) == expected
    assert nothing_to_do(project)


def test_times_alone_run_nothing(project: Path) -> None:
    change(project, ".snakemake")  # a clone has none, and no input there is older than what was made of it
    now = time.time()
    for age, path in enumerate(("data", "out/clean.txt", "out/words", "out/found", "out/report.txt", "dvc.lock")):
        for each in (project / path, *(project / path).rglob("*")):
            os.utime(each, (now - age, now - age))
    assert nothing_to_do(project)


def test_damaged_outputs_are_restored_from_the_cache(project: Path) -> None:
    before = outputs(project)
    change(project, "out/report.txt")
    change(project, "out/words/all.txt", "cat", "dog")
    os.utime(project / "out/words/all.txt", (4e9, 4e9))  # nothing that is written today is newer
    assert error(project) == "out/words: its time lies in the future; `touch` it and all that is in it"
    (project / "out/words/all.txt").touch()
    assert planned(project) == STAGES - {"clean"}
    assert ran(project) == set()
    assert outputs(project) == before
    assert nothing_to_do(project)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # DVC's own
def test_rules_are_made_from_stages(project: Path, bridge: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    change(project, "dvc.yaml", '"${letters}"}', '"${letters}", n: [1, 2]}')
    change(project, "dvc.yaml", "out/found/${", "out/found/${item.n}/${")
    monkeypatch.chdir(project)
    graph = bridge.Graph(plan=True)
    assert graph.stage_of("find", SimpleNamespace(n="2", letter="a")) == "find@a-2"  # in the order of `matrix`
    with pytest.raises(SystemExit, match="no stage find@z-1"):
        graph.stage_of("find", SimpleNamespace(n="1", letter="z"))
    assert graph.outputs("find") == ["out/found/{n}/{letter}.txt"]
    assert is_flagged(graph.outputs("words")[0], "directory") and not is_flagged(graph.outputs("clean")[0], "directory")
    assert graph.made["find@a-2"] == ["out/words"]  # it depends on a file in there
    assert sorted(graph.made["report"]) == [f"out/found/{n}/{letter}.txt" for n in (1, 2) for letter in "ab"]
    assert (graph.sources["clean"], graph.sources["words"]) == (["data/text.txt"], [])


def test_what_this_machine_lacks_is_pulled_and_nothing_else(project: Path, tmp_path: Path) -> None:
    call(project, "dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    call(project, "dvc", "push")
    before = outputs(project)
    change(project, "out")
    assert planned(project) == STAGES  # all is in the cache: no need for the network
    change(project, ".dvc/cache")
    assert planned(project) == {f"--pull {stage}" for stage in STAGES}
    assert ran(project) == set()
    assert outputs(project) == before
    assert nothing_to_do(project)


@pytest.mark.parametrize("command", [SNAKEMAKE, ("dvc", "repro")], ids=["snakemake", "dvc"])
def test_a_clone_without_cache_and_remote_builds_all_that_its_lock_records(
    command: tuple[str, ...], project: Path, tmp_path: Path
) -> None:
    for words in ("add -A", "commit -qm results", f"clone -q . {tmp_path / 'clone'}"):
        call(project, "git", *words.split())
    clone = tmp_path / "clone"
    assert (clone / "dvc.lock").exists() and not (clone / "out").exists()
    assert ran(clone, *command) == STAGES
    assert outputs(clone) == outputs(project) and nothing_to_do(clone)
    assert call(clone, "git", "status", "--porcelain").stdout == ""  # dvc.lock is the one that was there


CUTS = {  # where dvc.lock ends, and whether the results were pulled, which DVC's run cache does not know
    "nothing is left": ("", False),
    "still YAML, but of an unknown hash": ("hash: m", True),
    "between two lines": ("outs:\n", False),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_lock_that_was_cut_off_costs_no_run(project: Path, cut: str) -> None:
    (end, pulled), before, lock = CUTS[cut], outputs(project), (project / "dvc.lock").read_text()
    if pulled:
        call(project, "git", "add", "dvc.lock")
        call(project, "git", "commit", "-q", "-m", "results")
        change(project, ".dvc/cache/runs")
    (project / "dvc.lock").write_text(lock[: lock.rindex(end) + len(end)] if end else "")
    messages = call(project, *SNAKEMAKE)
    assert messages.stderr.count("now dvc.lock.broken. Results come back from the cache.") == 1
    assert "Running stage" not in messages.stdout + messages.stderr
    assert (project / "dvc.lock.broken").exists()
    assert outputs(project) == before
    assert nothing_to_do(project)


def test_a_lock_with_merge_conflicts_is_for_the_user_to_settle(project: Path) -> None:
    lock = (project / "dvc.lock").read_text()
    for text in (f"<<<<<<< HEAD\n{lock}=======\n{lock}>>>>>>> other\n", f"{lock}<<<<<<< HEAD"):
        (project / "dvc.lock").write_text(text)
        assert error(project).startswith("dvc.lock: has merge conflicts; take either side")
        assert (project / "dvc.lock").read_text() == text


NO_STAGE = "rule train: dvc.yaml has no stage of this name, only clean, words, find, report"
TRAIN = "\nrule train:\n    output: graph.outputs('train')\n\nrule all:"
ERRORS: dict[str, tuple[Edit, str]] = {
    "no dvc.yaml": (("dvc.yaml", "", ""), "no dvc.yaml here; write the stages of the pipeline into one"),
    "no YAML": (("dvc.yaml", "stages:", "stages: ["), "DVC: unable to read: 'dvc.yaml', YAML file structure"),
    "a wrong key": (("dvc.yaml", "cmd: cat", "cm: cat"), "validation failed: 2 errors; `dvc dag` may say more"),
    "a circle": (("dvc.yaml", "data/text.txt]", "out/words]"), "both a dependency and an output in stages:"),
    "no git": ((".git", "", ""), "no Git repository, which DVC needs; run `git init`"),
    "no dvc init": ((".dvc", "", ""), "no DVC repository; run `git init` and `dvc init`"),
    "no stage": (("Snakefile", "\nrule all:", TRAIN), NO_STAGE),
    "no rule": (("Snakefile", "graph.templates:", "['words']:"), "no rule for stage clean, find, report; add one"),
    "no output": (("dvc.yaml", "outs: [out/report.txt]", ""), "stage report has no outputs to ask Snakemake for"),
    "a parameter in a path": (("dvc.yaml", "[out/clean.txt]", '["${titles.a}"]'), "may hold `${item.KEY}` only"),
}


@pytest.mark.parametrize("fault", ERRORS)
def test_a_fault_is_told_in_one_line(project: Path, fault: str) -> None:
    what, message = ERRORS[fault]
    change(project, *what)
    assert message in error(project)


@pytest.mark.parametrize("command", [SNAKEMAKE, ("dvc", "repro")])
def test_a_second_run_is_refused_while_the_first_goes_on(project: Path, command: tuple[str, ...]) -> None:
    change(project, "dvc.yaml", "cmd: cat", "cmd: touch begun; until [ -e go ]; do sleep 0.1; done; cat")
    with subprocess.Popen(command, cwd=project, env=environment(), stderr=subprocess.DEVNULL) as first:
        try:
            while not (project / "begun").exists() and first.poll() is None:
                time.sleep(0.1)
            assert error(project) == "another run is under way in this folder; wait for its end, or stop it"
        finally:
            (project / "go").touch()
    assert first.returncode == 0
    assert nothing_to_do(project)
