"""Let Snakemake schedule what DVC describes: dvc.yaml is the only hand-written graph.

Snakemake compares times, which every checkout changes; DVC compares content. So DVC decides what is
stale, and each job that Snakemake starts is `dvc repro --single-item STAGE`. This module knows nothing
of the project that it serves.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.stage import Stage
from ruamel.yaml import YAML
from snakemake.io import ancient, directory

STALE = Path(".state/stale")  # newer than every output that DVC calls out of date; an input of the jobs that make them

Inputs = Callable[[Any], list[Any]]


class Graph:
    """The stages of dvc.yaml, to be used as inputs and outputs of rules that have the stages' names.

    plan: ask DVC what is stale. The main process needs it; the processes of jobs only need the paths.
    """

    def __init__(self, plan: bool) -> None:
        self.templates: dict[str, Any] = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
        try:
            with Repo(".", _wait_for_lock=not plan) as repo:
                with repo.lock:  # running jobs rewrite dvc.lock in place
                    self.stages: dict[str, Stage] = {s.addressing: s for s in repo.index.stages if s.cmd}
                changed = set(repo.status()) if plan else set()
        except LockError:
            raise SystemExit("another run is under way in this folder; wait for its end, or stop it") from None
        except NotDvcRepoError:
            raise SystemExit("this folder is no DVC repository; run `git init` and `dvc init`") from None
        except DvcException as error:
            raise SystemExit(f"dvc.yaml: {error}") from None
        self.producer = {out.def_path: name for name, stage in self.stages.items() for out in stage.outs}
        self.sources: dict[str, list[str]] = {}  # stage -> files that no stage makes
        self.made: dict[str, list[str]] = {}  # stage -> outputs of other stages
        for name, stage in self.stages.items():
            self._sort_dependencies(name, stage)
        self.fresh: dict[str, bool] = {}
        for name in self.stages:
            self._is_fresh(name, changed)
        if plan:
            self._touch_token()

    def _sort_dependencies(self, name: str, stage: Stage) -> None:
        self.sources[name], self.made[name] = [], []
        for path in (d.def_path for d in stage.deps if not isinstance(d, ParamsDependency)):
            # A dependency on a folder stands for all outputs in it; one on a file in an output, for that output.
            made = [o for o in self.producer if o == path or o.startswith(f"{path}/") or path.startswith(f"{o}/")]
            (self.made if made else self.sources)[name].extend(made or [path])

    def _is_fresh(self, name: str, changed: set[str]) -> bool:
        if name not in self.fresh:
            before = [self._is_fresh(self.producer[path], changed) for path in self.made[name]]
            self.fresh[name] = name not in changed and all(before)
        return self.fresh[name]

    def _touch_token(self) -> None:
        stale = [Path(path) for path, name in self.producer.items() if not self.fresh[name]]
        if stale and (not STALE.exists() or STALE.stat().st_mtime <= max(map(newest, stale))):
            STALE.parent.mkdir(exist_ok=True)
            STALE.write_text(f"{time.time_ns()}\n")  # different each time: Snakemake compares small inputs by content

    def stage_of(self, rule: str, wildcards: Any) -> str:
        """The stage that a rule runs: its own name, and for a matrix stage the wildcards' values behind it."""
        if rule not in self.templates:
            raise SystemExit(f"rule {rule}: dvc.yaml has no stage of this name")
        matrix = self.templates[rule].get("matrix", {})
        values = "-".join(str(getattr(wildcards, key)) for key in matrix)
        return f"{rule}@{values}" if matrix else rule

    def stage(self, rule: str) -> Callable[[Any], str]:
        """For `params:` of a rule: the stage to reproduce."""
        return lambda wildcards: self.stage_of(rule, wildcards)

    def inputs(self, rule: str) -> Inputs:
        """For `input:` of a rule. What is fresh counts as ancient, whatever its time; a stale stage gets the token."""

        def of(wildcards: Any) -> list[Any]:
            name = self.stage_of(rule, wildcards)
            made = [ancient(p) if self.fresh[self.producer[p]] else p for p in self.made[name]]
            token = [] if self.fresh[name] else [str(STALE)]
            return [ancient(p) for p in self.sources[name]] + made + token

        return of

    def outputs(self, rule: str) -> list[Any]:
        """For `output:` of a rule: the stage's outputs with `${item.KEY}` as `{KEY}`; no suffix, a folder."""
        if rule not in self.templates:
            raise SystemExit(f"rule {rule}: dvc.yaml has no stage of this name")
        kinds = [self.templates[rule].get(kind, []) for kind in ("outs", "metrics", "plots")]
        paths = [next(iter(out)) if isinstance(out, dict) else out for outs in kinds for out in outs]
        patterns = [re.sub(r"\$\{item\.(\w+)\}", r"{\1}", path) for path in paths]
        return [pattern if Path(pattern).suffix else directory(pattern) for pattern in patterns]

    def all_outputs(self, rules: list[str]) -> list[str]:
        """For `rule all`: every output of every stage; each stage must have its rule."""
        if missing := sorted(set(self.templates) - set(rules)):
            raise SystemExit(f"dvc.yaml: no rule for stage {', '.join(missing)}; add it below workflow/rules")
        return sorted(self.producer)


def newest(path: Path) -> float:
    """Time of the last change of a file or of anything in a folder; 0 if there is nothing."""
    if not path.exists():
        return 0.0
    below = path.rglob("*") if path.is_dir() else ()
    times: list[float] = [p.lstat().st_mtime for p in (path, *below)]
    return max(times)


def fair_threads(threads: int, cores: int | None) -> int:
    """For `threads:` of a rule whose jobs keep `threads` processors busy.

    With more `--cores` than the machine has, a job takes its share of them, so that jobs do not crowd each other.
    """
    return max(threads, threads * (cores or 0) // (os.cpu_count() or 1))
