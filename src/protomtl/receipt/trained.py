"""Whether the results that are here are those of params.yaml: by the records of the trainings, and by dvc.lock."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from protomtl.core.files import MENDS, read_record
from protomtl.core.paths import BACKBONE, TOKENS, results
from protomtl.core.runs import Run, listed_runs
from protomtl.core.sections import PARAMS, settings_of_method
from protomtl.params import Params
from protomtl.tasks.settings import main_tasks
from protomtl.verification import LOCK, md5_of, recorded_stages

Stages = Mapping[str, Mapping[str, Any]]  # of dvc.lock
WEIGHTS = results("ensemble") / "weights.csv"
STEPS = ("pretrain", "finetune", "evaluate")
RUN_AGAIN = "run `snakemake --cores 4 all` first, or undo the change"


def check(params: Params, runs: list[Run]) -> None:
    """SystemExit where a result was made with other settings, or of other data, than params.yaml has now."""
    for run in runs:
        check_records(params, run)
    lock = recorded_stages()
    for stage, section in (("prepare", "data"), ("tokens", "tokens")):
        recorded = parameters(lock, stage)
        wanted = getattr(params, section).model_dump(mode="json")
        for what in differing({section: recorded.get(section, wanted)}, {section: wanted}):
            raise SystemExit(f"{LOCK}: {stage} was run with {what}; {RUN_AGAIN}")
    check_members(runs)
    for stage in ("tokens", *(f"{step}@{run.method}-{run.seed}" for run in runs for step in STEPS), "ensemble"):
        for path in behind(lock, stage):
            raise SystemExit(f"{LOCK}: {stage} was run with another {path} than is here; {RUN_AGAIN}")
    check_whole(lock, runs)


def check_whole(lock: Stages, runs: list[Run]) -> None:
    """SystemExit where figures, predictions, curves or the ensemble are not what dvc.lock records: they would be kept
    for good. Weights and their records are kept by their digests alone."""
    made = [f"{step}@{run.method}-{run.seed}" for run in runs for step in ("finetune", "evaluate")]
    for stage in (*made, "ensemble"):
        for out in lock.get(stage, {}).get("outs", ()):
            path = Path(out["path"])
            if not path.is_relative_to(results("finetune")) and digest_as_dvc(path) != out["md5"]:
                raise SystemExit(f"{path}: other bytes than {LOCK} records; {MENDS}")


def check_members(runs: list[Run]) -> None:
    """SystemExit where the ensemble is not of these runs: its figures would stand beside those of others."""
    try:
        members = {*listed_runs(WEIGHTS)}
    except FileNotFoundError:
        raise SystemExit(f"{WEIGHTS}: not there; {RUN_AGAIN}") from None
    for run in [run for run in (*members, *runs) if (run in members) != (run in runs)]:
        how = "is a member of the ensemble, but no run" if run in members else "is no member of the ensemble"
        raise SystemExit(f"{WEIGHTS}: {run.method} seed {run.seed} {how} of {PARAMS}; {RUN_AGAIN}")


def check_records(params: Params, run: Run) -> None:
    """SystemExit where config.json of a phase has other settings than params.yaml."""
    block, main = params.method[run.method], main_tasks(params.tasks)
    first = settings_of_method("pretrain", params.pretrain, run.method, block.pretrain)
    second = settings_of_method("finetune", params.finetune, run.method, block.finetune)
    start = results("pretrain", *run) / "encoder" if first else BACKBONE
    phases = {"pretrain": (first, params.tasks if first.auxiliary else main)} if first else {}
    for phase, (settings, tasks) in (phases | {"finetune": (second, second.trained(main))}).items():
        path = results(phase, *run) / "config.json"
        if not path.exists():
            raise SystemExit(f"{path}: not there; {RUN_AGAIN}")
        wanted = {
            phase: settings.model_dump(mode="json"),
            "tasks": {name: task.model_dump(mode="json") for name, task in tasks.items()},
            "backbone": params.backbone.model_dump(mode="json"),
        } | ({"start": str(start)} if phase == "finetune" else {})
        for what in differing(read_record(path), wanted):
            raise SystemExit(f"{path}: {run.method} seed {run.seed} was trained with {what}; {RUN_AGAIN}")


def differing(recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Each setting of `wanted`'s sections that is not the same, in words."""
    for section, value in wanted.items():
        was, now = flat(recorded.get(section, {}), section), flat(value, section)
        for path in [path for path in was | now if was.get(path) != now.get(path)]:
            yield f"{path} {shown(was.get(path))}, but {PARAMS} has {shown(now.get(path))}"


def flat(tree: Any, path: str) -> dict[str, Any]:
    """Dotted path -> value, of settings; a list is a value."""
    if not isinstance(tree, Mapping):
        return {path: list(tree) if isinstance(tree, tuple) else tree}
    found: dict[str, Any] = {}
    for name, branch in tree.items():
        found |= flat(branch, f"{path}.{name}")
    return found


def shown(value: Any) -> str:
    return "nothing" if value is None else str(value)


def embedded(params: Params) -> bool:
    """Whether results/embed is of this run: of the settings and of the encoder that are here, as dvc.lock has it."""
    lock = recorded_stages()
    wanted = params.embed.model_dump(mode="json")
    return parameters(lock, "embed").get("embed") == wanted and not [*behind(lock, "embed")]


def reported() -> bool:
    """Whether results/report is of the results that are here, as dvc.lock has it."""
    lock = recorded_stages()
    return "report" in lock and not [*behind(lock, "report")]


def parameters(lock: Stages, stage: str) -> Mapping[str, Any]:
    """The sections of params.yaml that a stage was run with; none where dvc.lock does not know it."""
    found: Mapping[str, Any] = lock.get(stage, {}).get("params", {}).get(str(PARAMS), {})
    return found


def behind(lock: Stages, stage: str) -> Iterator[str]:
    """What a stage was run with and is another one now: the outputs of other stages, folders of several of these, and
    the list of tokens here."""
    made = {out["path"]: out["md5"] for other in lock.values() for out in other.get("outs", ())}
    listed = TOKENS / "tokens.json"
    if listed.exists():
        made[listed.as_posix()] = md5_of(listed)
    for used in lock.get(stage, {}).get("deps", ()):
        path = used["path"]
        if path not in made and any(other.startswith(f"{path}/") for other in made):
            made[path] = digest_as_dvc(Path(path))
        if made.get(path, used["md5"]) != used["md5"]:
            yield path


def digest_as_dvc(folder: Path) -> str:
    """The MD5 by which dvc.lock knows a folder: of the list of its files, without hidden and unfinished ones."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("[!.]*") if path.is_file())
    listed = [{"md5": md5_of(path), "relpath": name} for name, path in files if ".part/" not in f"{name}/"]
    return f"{hashlib.md5(json.dumps(listed).encode(), usedforsecurity=False).hexdigest()}.dir"
