"""What GitHub and `.ci/run` do is what anyone does: they call targets of the Makefile."""

import re
from typing import Any

import pytest
import yaml

from tests.support import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))


def jobs(name: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return list(found["jobs"].values())


def made(job: dict[str, Any]) -> list[str]:
    """The targets that a job makes."""
    return [target for step in job["steps"] for target in re.findall(r"^make ([\w-]+)", step.get("run", ""), re.M)]


def matrix(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = job.get("strategy", {}).get("matrix", {})
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_checks_out_sets_python_up_makes_a_target_and_ends(path: Any) -> None:
    for job in jobs(path.name):
        first, second, *_ = (step.get("uses", "").partition("@")[0] for step in job["steps"])
        assert (first, second) == ("actions/checkout", "actions/setup-python")
        assert (made(job) and set(made(job)) <= TARGETS) or "system" in matrix(job)  # Windows has no make
        assert 0 < job["timeout-minutes"] <= 180


def test_commits_and_nights_run_every_tier() -> None:
    called = {name: [target for job in jobs(name) for target in made(job)] for name in (p.name for p in WORKFLOWS)}
    assert called == {
        "checks.yml": ["lint", "test", "lowest"],
        "docs.yml": ["docs"],
        "nightly.yml": ["test-all", "soak"],
        "pipeline.yml": ["test-pipeline"],  # both engines, the preset `quick` among it
    }
    assert re.findall(r"^make ([\w-]+)", (ROOT / ".ci/run").read_text(), re.M) == ["lint", "docs", "test-all"]


def test_the_tests_of_every_day_run_on_every_python_that_is_supported() -> None:
    (versions,) = (matrix(job)["python"] for job in jobs("checks.yml") if "python" in matrix(job))
    assert versions == [f"3.{minor}" for minor in range(11, 15)]
    assert f'requires-python = ">={versions[0]}"' in (ROOT / "pyproject.toml").read_text()


def test_at_night_nothing_is_skipped_for_want_of_a_program() -> None:
    (job,) = jobs("nightly.yml")
    assert job["env"]["NEED_BROWSER"] and job["env"]["NEED_SSHD"]


def test_the_hooks_before_a_commit_have_the_versions_of_the_lock() -> None:
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M))
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    found = {repo["hooks"][0]["id"].partition("-")[0]: repo["rev"].removeprefix("v") for repo in repositories}
    assert found == {name: locked[name] for name in ("ruff", "snakefmt", "codespell")}
