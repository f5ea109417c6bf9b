"""Both engines check all of params.yaml before any work; its values reach programs as words, whatever the shell."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import call, environment
from tests.support.engines import PER_RUN
from tests.support.makers import clone, patch_params, tiny
from tests.support.once import Once


@pytest.fixture(scope="session")
def cloned(once: Once, tiny_backbone: Path) -> Path:
    return once("cloned", lambda folder: clone(folder, tiny(tiny_backbone, methods=["cosine", "prototypical"])))


@pytest.fixture
def fresh(cloned: Path, tmp_path: Path) -> Path:
    """A clone in which nothing has run; its path has a space and a letter that is not ASCII."""
    subprocess.run(["cp", "-a", str(cloned), str(tmp_path / "my pröject")], check=True)
    return tmp_path / "my pröject"


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


# A shell that knows words alone: what sh, csh and fish write in different ways it refuses.
WORDS_ALONE = """#!/bin/sh
[ "$1" = -c ] && [ $# = 2 ] || exit 64
case "$2" in *[\\$\\`\\;\\&\\|\\<\\>\\(=]*) exit 65 ;; esac
echo "$2" >> "$0.log"
exec /bin/sh -c "$2"
"""


@pytest.mark.parametrize("shell", ["fish", "tcsh", "zsh", "dash", "words alone"])
def test_stages_of_dvc_run_under_any_shell(fresh: Path, tmp_path: Path, shell: str) -> None:
    """DVC by itself gives its commands to $SHELL; the bridge gives them to /bin/sh."""
    program = shutil.which(shell) if shell != "words alone" else str(tmp_path / "words")
    if program is None:
        pytest.skip(f"no {shell} on this machine")
    if shell == "words alone":
        (tmp_path / "words").write_text(WORDS_ALONE)
        (tmp_path / "words").chmod(0o755)
    run = ["dvc", "repro", "prepare"]
    done = subprocess.run(
        run, cwd=fresh, env=environment() | {"SHELL": program}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (fresh / "data/prepared").exists()
    if shell == "words alone":
        assert [line.split()[-1] for line in (tmp_path / "words.log").read_text().splitlines()] == [
            "download",
            "prepare",
        ]


def test_the_longest_training_goes_first_and_what_waits_for_one_run_alone_before_all(fresh: Path) -> None:
    jobs = re.split(r"^rule ", call(fresh, "snakemake", "-n", "all").stdout, flags=re.M)
    found = [re.match(r"(\w+):(?:.*method=(\w+),)?.*priority: ([\d.]+)$", job, re.M | re.S) for job in jobs]
    order = {(job[1], job[2]): float(job[3]) for job in found if job}
    trained = {(rule, method) for rule in PER_RUN for method in ("cosine", "prototypical")}
    assert set(order) == trained | {("embed", None), ("export", None)}
    assert order["embed", None] == order["export", None] == 1
    assert 1 > order["pretrain", "prototypical"] > order["finetune", "cosine"] > 0


def test_a_call_that_would_be_ignored_is_refused(fresh: Path) -> None:
    snakefile = f"{fresh.name}/Snakefile"
    elsewhere = call(fresh.parent, "snakemake", "-s", snakefile, "-n", "all", code=1)
    assert elsewhere.stderr.splitlines()[-1].endswith(f"not the folder of this pipeline; first `cd '{fresh}'`")
    assert call(fresh.parent, "snakemake", "-s", snakefile, "-d", fresh.name, "-n", "all")
    given = call(fresh, "snakemake", "-n", "all", "--config", "seeds=[1,2]", code=1)
    assert given.stderr.splitlines()[-1].endswith("change that file, or `dvc exp run -S 'seeds=[1, 2]'`")
    assert not (fresh / "data/raw").exists()
