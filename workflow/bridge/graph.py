"""The stages of dvc.yaml as inputs, outputs, logs and targets of Snakemake's rules."""

import functools
import os
import re
import time
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

from dvc.dependency import ParamsDependency
from ruamel.yaml import YAML
from snakemake.io import ancient, directory

from bridge.stages import ask_dvc, hold_alone

GRAPH = Path("dvc.yaml")
STALE = Path(".state/stale")  # newer than every output that DVC calls out of date; an input of the jobs that make them
SHELL = "/bin/sh"  # DVC gives its commands to $SHELL, which need not be one for commands, nor know POSIX

Inputs = Callable[[Any], list[Any]]


class Graph:
    """The stages of dvc.yaml, to be used as inputs and outputs of rules that have the stages' names.

    plan: ask DVC what is stale. The main process needs it; the processes of jobs only need the paths.
    """

    def __init__(self, plan: bool) -> None:
        if not GRAPH.exists():
            raise SystemExit(f"{Path.cwd()}: no dvc.yaml here; write the stages of the pipeline into one")
        os.environ["SHELL"] = SHELL
        if plan:
            hold_alone(STALE.with_name("run").absolute())
        self.stages, changed, self.has_remote = ask_dvc(plan)
        self.templates: dict[str, Any] = (YAML(typ="safe").load(GRAPH) or {}).get("stages", {})  # DVC found no fault
        self.producer = {out.def_path: name for name, stage in self.stages.items() for out in stage.outs}
        self.made_paths = sorted(self.producer)
        self.makers = functools.cache(self._makers)
        self.sources: dict[str, list[str]] = {}  # stage -> files that no stage makes
        self.made: dict[str, list[str]] = {}  # stage -> outputs of other stages
        for name, stage in self.stages.items():
            paths = [d.def_path for d in stage.deps if not isinstance(d, ParamsDependency)]
            self.sources[name] = [path for path in paths if not self.makers(path)]
            self.made[name] = [made for path in paths for made in self.makers(path)]
        self.fresh: dict[str, bool] = {}
        for name in self.stages:
            self._is_fresh(name, changed)
        if plan:
            self._touch_token()

    def _makers(self, path: str) -> list[str]:
        """The outputs that a dependency stands for: on a folder, all in it; on a file in an output, that output."""
        around = [p for p in accumulate(path.split("/"), "{}/{}".format) if p in self.producer]
        first, last = (bisect_left(self.made_paths, path + end) for end in "/0")  # all that begins with `path/`
        return around + self.made_paths[first:last]

    def _is_fresh(self, name: str, changed: set[str]) -> bool:
        if name not in self.fresh:
            before = [self._is_fresh(self.producer[path], changed) for path in self.made[name]]
            self.fresh[name] = name not in changed and all(before)
        return self.fresh[name]

    def _touch_token(self) -> None:
        stale = {Path(path): newest(Path(path)) for path, name in self.producer.items() if not self.fresh[name]}
        latest = max(stale, key=lambda path: stale[path], default=None)
        if latest and not (STALE.exists() and stale[latest] < STALE.stat().st_mtime <= time.time()):
            STALE.parent.mkdir(exist_ok=True)
            STALE.write_text(f"{time.time_ns()}\n")  # different each time: Snakemake compares small inputs by content
            if STALE.stat().st_mtime <= stale[latest]:  # no token is newer: Snakemake would see nothing to do
                raise SystemExit(f"{latest}: its time lies in the future; `touch` it and all that is in it")

    def stage_of(self, rule: str, wildcards: Any) -> str:
        """The stage that a rule runs: its own name, and for a matrix stage the wildcards' values behind it."""
        matrix = self._template(rule).get("matrix", {})
        values = "-".join(str(getattr(wildcards, key)) for key in matrix)
        name = f"{rule}@{values}" if matrix else rule
        if name not in self.stages:
            raise SystemExit(f"dvc.yaml has no stage {name}; `dvc stage list` shows all")
        return name

    def _template(self, rule: str) -> dict[str, Any]:
        if rule not in self.templates:
            raise SystemExit(f"rule {rule}: dvc.yaml has no stage of this name, only {', '.join(self.templates)}")
        found: dict[str, Any] = self.templates[rule]
        return found

    def target(self, wildcards: Any, output: Any) -> list[str]:
        """For `params:` of every rule: what `dvc repro --single-item` is to make, words to quote (`{params.target:q}`).

        Results that dvc.lock records but that are not on this machine, as in a fresh clone, are pulled if there is a
        remote. Only then: a run must not need the network for what is here.
        """
        name = self.producer[str(output[0])]
        outs = self.stages[name].outs
        absent = all(out.hash_info for out in outs) and not self.stages[name].outs_cached()
        return ["--pull", name] if self.has_remote and absent else [name]

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
        kinds = [self._template(rule).get(kind, []) for kind in ("outs", "metrics", "plots")]
        paths = [next(iter(out)) if isinstance(out, dict) else out for outs in kinds for out in outs]
        if not paths:
            raise SystemExit(f"dvc.yaml: stage {rule} has no outputs to ask Snakemake for; `foreach` must be `matrix`")
        patterns = [re.sub(r"\$\{item\.(\w+)\}", r"{\1}", path) for path in paths]
        if unknown := [pattern for pattern in patterns if "${" in pattern]:  # to Snakemake, `{x}` is a wildcard
            raise SystemExit(f"dvc.yaml: stage {rule}: {unknown[0]}: an output's path may hold `${{item.KEY}}` only")
        return [pattern if Path(pattern).suffix else directory(pattern) for pattern in patterns]

    def log(self, rule: str) -> str:
        """For `log:` of a rule: logs/STAGE.log, of a matrix stage logs/STAGE/{KEY}-{KEY}.log."""
        matrix = self._template(rule).get("matrix", {})
        return f"logs/{rule}/{'-'.join(f'{{{key}}}' for key in matrix)}.log" if matrix else f"logs/{rule}.log"

    def meta(self, rule: str) -> dict[str, Any]:
        """What dvc.yaml says under `meta` of a stage."""
        found: dict[str, Any] = self._template(rule).get("meta", {})
        return found

    def all_outputs(self, rules: list[str]) -> list[str]:
        """For `rule all`: every output of every stage; each stage must have its rule."""
        if missing := sorted(set(self.templates) - set(rules)):
            raise SystemExit(f"dvc.yaml: no rule for stage {', '.join(missing)}; add one above `rule all`")
        return self.made_paths


def newest(path: Path) -> float:
    """Time of the last change of a file or of anything in a folder; 0 if there is nothing."""
    if not path.exists():
        return 0.0
    below = path.rglob("*") if path.is_dir() else ()
    times: list[float] = [p.lstat().st_mtime for p in (path, *below)]
    return max(times)
