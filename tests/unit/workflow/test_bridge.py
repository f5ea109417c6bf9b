"""The bridge's sums: outputs under a path, threads of a job, and what Snakemake was called with."""

import errno
import importlib
import json
import os
import re
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from dvc import rwlock
from dvc.dependency import param
from dvc.fs import localfs
from dvc.lock import LockError
from snakemake.scheduling.job_scheduler import JobRateLimiter, JobScheduler
from snakemake.settings.types import MaxJobsPerTimespan

from tests.support import ROOT


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "workflow"))
    return importlib.import_module("bridge")


def test_a_dependency_stands_for_the_outputs_in_it_and_for_the_one_that_it_is_in(bridge: ModuleType) -> None:
    graph = object.__new__(bridge.Graph)
    graph.made_paths = ["out", "res", "res-old/a", "res.txt", "results/a/1", "results/a/10", "results/b", "results0"]
    graph.producer = dict.fromkeys(graph.made_paths)
    assert graph._makers("results") == ["results/a/1", "results/a/10", "results/b"]
    assert graph._makers("results/a/1") == ["results/a/1"]
    assert graph._makers("res/deep/file.txt") == ["res"]
    assert graph._makers("results/a/100") == graph._makers("data") == graph._makers("/out") == []


def test_with_more_cores_than_the_machine_has_jobs_grow(bridge: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    share = bridge.fair_threads
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert [share(1, cores) for cores in (None, 2, 4, 7, 8)] == [1, 1, 1, 1, 2]  # of 8 cores, 4 jobs have 2 each
    assert [share(2, cores) for cores in (1, 4, 6, 8)] == [2, 2, 3, 4]
    monkeypatch.setattr(os, "cpu_count", lambda: None)  # unknown
    assert share(1, 4) == 4


def test_snakemake_looks_again_only_where_it_may_start_no_more_jobs(
    bridge: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(JobScheduler, "_schedule_reevalutation", JobScheduler._schedule_reevalutation)
    monkeypatch.setattr(bridge.call, "look_again", lambda _, seconds: waited.append(seconds))
    bridge.look_when_a_job_ends()
    scheduler = SimpleNamespace(job_rate_limiter=(limiter := JobRateLimiter(MaxJobsPerTimespan(2, "1m"))))
    for _ in range(2):
        JobScheduler._schedule_reevalutation(scheduler, limiter.timespan)
        limiter.register_jobs(1)
    assert waited == []
    JobScheduler._schedule_reevalutation(scheduler, limiter.timespan)  # two of two jobs of this minute are started
    assert waited == [60]
    JobScheduler._schedule_reevalutation(SimpleNamespace(job_rate_limiter=JobRateLimiter(MaxJobsPerTimespan(2))), 10)
    assert waited == [60, 10]  # for another reason


def called(folder: Path, config: dict[str, object] | None = None, files: tuple[Path, ...] = ()) -> SimpleNamespace:
    """What a Snakefile has as `workflow`."""
    return SimpleNamespace(
        basedir=str(folder), config_settings=SimpleNamespace(config=config or {}, configfiles=list(files))
    )


def test_a_plain_call_is_what_it_asks_for(bridge: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path.parent / "link").symlink_to(tmp_path)
    bridge.check_call(called(tmp_path))
    bridge.check_call(called(tmp_path.parent / "link"))


def test_parameters_of_the_call_are_refused_with_the_command_that_takes_them(
    bridge: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given: dict[str, tuple[object, str]] = {
        "seeds": ([1, 2], "-S 'seeds=[1, 2]'"),
        "methods": (["a", "b"], "-S 'methods=[a, b]'"),
        "finetune": (
            {"lr": 0.001, "smoothness": {"kind": "r4f"}},
            "-S finetune.lr=0.001 -S finetune.smoothness.kind=r4f",
        ),
    }
    for name, (value, words) in given.items():
        message = f"--config {name}: the stages read params.yaml alone; change that file, or `dvc exp run {words}`"
        with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
            bridge.check_call(called(tmp_path, {name: value}))
    with pytest.raises(SystemExit, match=r"--configfile other\.yaml: the stages read params\.yaml alone"):
        bridge.check_call(called(tmp_path, files=(Path("other.yaml"),)))


def test_a_call_from_elsewhere_is_told_where_to_go(
    bridge: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    folder = tmp_path / "a project"
    folder.mkdir()
    with pytest.raises(SystemExit, match=f"not the folder of this pipeline; first `cd '{folder}'`"):
        bridge.check_call(called(folder))


def test_a_folder_that_cannot_be_written_or_locked_is_named(
    bridge: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = importlib.import_module("bridge.stages")
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"file/run: .*; a run needs a folder that it can write and lock$"):
        stages.hold_alone(tmp_path / "file/run")

    def fail(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(stages.fcntl, "flock", fail)
    with pytest.raises(SystemExit, match=r"run: No locks available; a run needs a folder"):
        stages.hold_alone(tmp_path / "run")


def test_each_parameter_is_looked_up_once(bridge: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "params.yaml").write_text("a: {b: 1}\nc: 2\n")
    asked, get = [], param.dpath.get
    monkeypatch.setattr(param.dpath, "get", lambda *given, **more: asked.append(given[1]) or get(*given, **more))
    with importlib.import_module("bridge.stages").looked_at_once():
        for keys in (["a.b", "c", "gone"], ["c"], ["gone", "a.b"]):
            found = param.read_param_file(localfs, str(path), keys, flatten=True)
            assert found == {key: value for key, value in (("a.b", 1), ("c", 2)) if key in keys}
    assert asked == ["a.b", "c", "gone"]


@pytest.mark.parametrize("writes", ["out", "elsewhere"])
def test_stages_are_not_looked_at_while_a_command_writes_them(bridge: ModuleType, tmp_path: Path, writes: str) -> None:
    hold, busy = importlib.import_module("bridge.stages").held_at_once, {"pid": os.getppid(), "cmd": "another"}
    lock = {"write": {str(tmp_path / writes): busy}, "read": {}}
    (tmp_path / "rwlock").write_text(json.dumps(lock))
    item = SimpleNamespace(fs_path=str(tmp_path / "out"))
    repo = SimpleNamespace(tmp_dir=str(tmp_path), fs=localfs, config={"core": {}})
    before = rwlock.rwlock
    with (
        pytest.raises(LockError) if writes == "out" else nullcontext(),
        hold(repo, [SimpleNamespace(deps=[], outs=[item])]),
    ):
        assert rwlock.rwlock is not before
    assert rwlock.rwlock is before and json.loads((tmp_path / "rwlock").read_text())["write"] == lock["write"]
