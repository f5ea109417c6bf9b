"""Both engines check all of params.yaml before any work; its values reach programs as words, whatever the shell."""

import subprocess
from pathlib import Path

import pytest

from tests.support.commands import call, environment
from tests.support.makers import clone, patch_params, tiny
from tests.support.once import Once


@pytest.fixture(scope="session")
def cloned(once: Once, tiny_backbone: Path) -> Path:
    return once("cloned", lambda folder: clone(folder, tiny(tiny_backbone, methods=["cosine", "prototypical"])))


@pytest.fixture
def fresh(cloned: Path, tmp_path: Path) -> Path:
    """A clone in which nothing has run."""
    subprocess.run(["cp", "-a", str(cloned), str(tmp_path / "p")], check=True)
    return tmp_path / "p"


def replaced(project: Path, old: str, new: str) -> None:
    text = (project / "params.yaml").read_text()
    assert old in text
    (project / "params.yaml").write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds: [1]", "seeds: [1, 1]", "params.yaml: seeds: 1 is there twice; name it once"),
        ("seeds: [1]", "seeds: [-1]", "params.yaml: seeds.0: -1: Input should be greater than or equal to 0"),
        ("perplexity: 5", "perplexity: .inf", "params.yaml: embed.perplexity: inf: Input should be a finite number"),
        ("  frozen: false", "  frozen: no", ': no: is false to Snakemake and "no" to DVC; write which is meant'),
        ("lr: 3.0e-4", "lr: 3e-4", ': 3e-4: is "3e-4" to Snakemake and 0.0003 to DVC; write which is meant'),
        ("  samples:", "  smples:", "params.yaml: embed.smples: no such key; did you mean samples?"),
        (
            "- cosine",
            "- cosinus",
            "params.yaml: methods: cosinus: there is no block method.cosinus; did you mean cosine?",
        ),
    ],
)
def test_no_engine_begins_with_a_mistake(fresh: Path, old: str, new: str, message: str) -> None:
    replaced(fresh, old, new)
    planned = call(fresh, "snakemake", "-n", "all", code=1)
    assert planned.stdout == "" and planned.stderr.splitlines()[-1].endswith(message)
    assert "Traceback" not in planned.stderr and len(planned.stderr.splitlines()) == 2  # the other names the profile
    run = call(fresh, "dvc", "repro", code=None)
    output = run.stdout + run.stderr
    assert run.returncode != 0 and "Traceback" not in output and not (fresh / "data/raw").exists()
    assert message in output or "Running stage" not in output  # DVC may see for itself what it cannot resolve


def test_a_method_named_like_a_command_runs_in_no_shell(fresh: Path) -> None:
    call(fresh, "dvc", "repro", "tokens")
    for name in ("x; touch taken #", "x'; touch taken #"):
        patch_params(fresh, {"methods": [name], "method": {name: {"label": "x", "pretrain": False, "finetune": {}}}})
        assert "a name is 1 to 64 letters" in call(fresh, "snakemake", "-n", "all", code=1).stderr
        call(fresh, "dvc", "repro", code=None)
        assert not (fresh / "taken").exists()


@pytest.mark.parametrize("shell", ["/bin/false", "/nonexistent/tcsh"])
def test_jobs_run_whatever_shell_the_user_has(fresh: Path, shell: str) -> None:
    command = ["snakemake", "--cores", "2", "data/backbone"]
    done = subprocess.run(
        command, cwd=fresh, env=environment() | {"SHELL": shell}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (fresh / "data/backbone/config.json").exists()


def test_a_call_that_would_be_ignored_is_refused(fresh: Path) -> None:
    elsewhere = call(fresh.parent, "snakemake", "-s", "p/Snakefile", "-n", "all", code=1)
    assert elsewhere.stderr.splitlines()[-1].endswith(f"not the folder of this pipeline; first `cd {fresh}`")
    assert call(fresh.parent, "snakemake", "-s", "p/Snakefile", "-d", "p", "-n", "all")
    given = call(fresh, "snakemake", "-n", "all", "--config", "seeds=[1,2]", code=1)
    assert given.stderr.splitlines()[-1].endswith("change that file, or `dvc exp run -S 'seeds=[1, 2]'`")
    assert not (fresh / "data/raw").exists()
