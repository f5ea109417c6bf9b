"""What all tests share: their tiers, which are folders, and what is built once in a run."""

import gc
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import ROOT, engines, kills, pictures
from tests.support.commands import call
from tests.support.makers import clone, make_backbone, make_workdir, patch_params, tiny
from tests.support.once import Once, once_in, shared_folder
from tests.support.steps import UNTRAINED, run_all, run_method, run_steps

TESTS = Path(__file__).parent

# Time is no property of the code here. The same commit tries the same cases, so that its tests say the same everywhere.
settings.register_profile("same cases", deadline=None, derandomize=True)
settings.register_profile(
    "other cases", deadline=None
)  # pytest --hypothesis-profile "other cases": a search for faults
settings.load_profile("same cases")


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The mark of a test is its folder: unit, structure, steps, pipeline, faults, outside (pyproject.toml)."""
    for item in items:
        item.add_marker(item.path.relative_to(TESTS).parts[0])


def pytest_collection_finish() -> None:
    """What the modules made stays to the end: to look through it for garbage in each test is a sixth of all time."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """A word beside failures that a preset or own data in params.yaml can bring."""
    if exitstatus and call(ROOT, "git", "diff", "--name-only", "HEAD", "--", "params.yaml", code=None).stdout:
        terminalreporter.write_line(
            "params.yaml is not that of the last commit, and tests are about its defaults: if a preset or own data are "
            "in it, put them aside by `git stash push params.yaml`, test, and have them back by `git stash pop`"
        )


@pytest.fixture(scope="session", autouse=True)
def rough_pictures() -> Iterator[dict[str, Any]]:
    """Those that this process makes: to make them well takes longer than all other steps on a few rows together."""
    from protomtl.plots import projection, style

    whole = {"save": style.save, "save_png": partial(style.save_png, dpi=20)}
    with pytest.MonkeyPatch.context() as patch:
        for name in whole:
            patch.setattr(style, name, getattr(pictures, name))
        patch.setattr(projection, "umap", partial(pictures.umap, projection.umap))
        yield whole


@pytest.fixture
def whole_pictures(rough_pictures: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures as users have them, but for their number of dots."""
    from protomtl.plots import style

    for name, function in rough_pictures.items():
        monkeypatch.setattr(style, name, function)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """See `once_in`."""
    return once_in(shared_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def tiny_backbone(once: Once) -> Path:
    return once("backbone", make_backbone)


@pytest.fixture
def workdir(tmp_path: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test, see `make_workdir`."""
    monkeypatch.chdir(tmp_path)
    return make_workdir(tmp_path, tiny_backbone)


@pytest.fixture(scope="session")
def prepared_once(once: Once, tiny_backbone: Path) -> Path:
    """A workdir after the steps before any training. Not to be changed: `prepared` is a copy."""

    def build(folder: Path) -> None:
        make_workdir(folder, tiny_backbone)
        with chdir(folder):
            run_steps(*UNTRAINED)

    return once("prepared", build)


@pytest.fixture
def prepared(prepared_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test: data, backbone and tokens are there, nothing is trained."""
    shutil.copytree(prepared_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def complete_once(once: Once, prepared_once: Path) -> Path:
    """A workdir after all steps of `concat` and `prototypical`. Not to be changed: work on a copy."""

    def build(folder: Path) -> None:
        shutil.copytree(prepared_once, folder, dirs_exist_ok=True)
        patch_params(folder, {"methods": ["concat", "prototypical"]})
        with chdir(folder):
            run_all()

    return once("complete", build)


@pytest.fixture(scope="session")
def model(once: Once, prepared_once: Path) -> Path:
    """An exported model, in the folder in which it was trained. Not to be changed."""

    def build(folder: Path) -> None:
        from protomtl.steps.export import step

        shutil.copytree(prepared_once, folder, dirs_exist_ok=True)
        patch_params(folder, {"methods": ["cosine"], "embed": {"method": "cosine"}, "export": {"method": "cosine"}})
        with chdir(folder):
            run_method("cosine")
            step.write("cosine", 1, Path("model"))

    return once("model", build) / "model"


@pytest.fixture(scope="session")
def finished(once: Once, tiny_backbone: Path) -> Path:
    """A clone in which Snakemake has run two methods to the end, committed. Not to be changed: work on a copy."""

    def build(folder: Path) -> None:
        project = clone(folder, tiny(tiny_backbone, methods=engines.METHODS))
        (project.parent / "output").write_text(engines.run(project, "snakemake").output)
        call(project, "git", "add", "dvc.lock", "docs/runs/current")
        call(project, "git", "commit", "-qm", "first run")

    return once("finished", build)


@pytest.fixture(scope="session")
def report(once: Once, finished: Path) -> Path:
    """results/report.html, made by the command of `make report`."""

    def build(folder: Path) -> None:
        shutil.copytree(finished, folder, symlinks=True, dirs_exist_ok=True)
        command = re.search(r"^report:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert command
        call(folder, *command[1].split())

    return once("report", build) / "results/report.html"


@pytest.fixture(scope="session")
def untrained(once: Once, tiny_backbone: Path) -> Path:
    """A clone of one method up to its training, whose state is saved at each step. Not to be changed."""
    return once("untrained", lambda folder: kills.one_method(folder, tiny_backbone))


@pytest.fixture(scope="session")
def whole(once: Once, untrained: Path) -> dict[str, str]:
    """The results of `untrained` when nothing disturbs its run."""
    return engines.results(once("whole", lambda folder: kills.uninterrupted(untrained, folder)))


@pytest.fixture(scope="session")
def evaluated(once: Once, untrained: Path) -> dict[str, str]:
    """The same up to the evaluation."""
    return engines.results(once("evaluated", lambda folder: kills.uninterrupted(untrained, folder, kills.EVALUATED)))


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished clone."""
    return Path(shutil.copytree(finished, tmp_path / "p", symlinks=True))
