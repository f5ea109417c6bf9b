"""How Snakemake was called: what its jobs could not follow is refused, and `--cores` are shared out."""

import os
import shlex
from pathlib import Path
from typing import Any

from snakemake.scheduling.job_scheduler import JobScheduler


def check_call(workflow: Any) -> None:
    """SystemExit if Snakemake was called so that its jobs would not be what it was asked for."""
    home = Path(workflow.basedir).resolve()
    if not Path.cwd().samefile(home):
        raise SystemExit(f"{Path.cwd()}: not the folder of this pipeline; first `cd {shlex.quote(str(home))}`")
    given = workflow.config_settings
    if given.config or given.configfiles:
        what = f"--config {' '.join(given.config)}" if given.config else f"--configfile {given.configfiles[0]}"
        words = [word for name, value in given.config.items() for word in settings(name, value)] or ["-S", "KEY=VALUE"]
        command = shlex.join(["dvc", "exp", "run", *words])
        raise SystemExit(f"{what}: the stages read params.yaml alone; change that file, or `{command}`")


def settings(path: str, value: Any) -> list[str]:
    """`-S path=value` for DVC, of a block each of its values."""
    if isinstance(value, dict):
        return [word for key, inner in value.items() for word in settings(f"{path}.{key}", inner)]
    return ["-S", f"{path}={value}".replace("'", "")]  # a list as Hydra reads it


def fair_threads(threads: int, cores: int | None) -> int:
    """For `threads:` of a rule whose jobs keep `threads` processors busy.

    With more `--cores` than the machine has, a job takes its share of them, so that jobs do not crowd each other.
    """
    return max(threads, threads * (cores or 0) // (os.cpu_count() or 1))


look_again = JobScheduler._schedule_reevalutation


def look_when_a_job_ends() -> None:
    """Keep Snakemake from looking at all ready jobs, and their inputs, where nothing has changed.

    Since it starts 100 jobs in a second at most, it looks again a second after it has looked, once for each job that
    has ended: behind some tens of jobs it is busy with that alone. Only at the limit is there a reason to.
    """
    JobScheduler._schedule_reevalutation = look_again_at_the_limit


def look_again_at_the_limit(scheduler: Any, seconds: float) -> None:
    limiter = scheduler.job_rate_limiter
    if limiter is None or seconds != limiter.timespan or not limiter.get_free_jobs():
        look_again(scheduler, seconds)
