"""One job: `python workflow/bridge/job.py repro --single-item STAGE` is `dvc repro …`, but for how dvc.lock is handled.

Before a stage DVC parses all of dvc.lock, and after it once more with the parser that keeps comments, and writes all
of it: nearly a whole job where there are 300 stages. Here the lines of the one stage are read, and put in the place of
its older ones. The file has the same bytes as DVC's. A file of another form than DVC's is left to DVC.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from dvc import dvcfile
from dvc.cli import main
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import dumps_yaml, parse_yaml

HEAD = "schema: '2.0'\nstages:\n"
whole = dvcfile.Lockfile.dump_stages
everything = dvcfile.Lockfile._load_yaml


def read(lockfile: Any, **options: Any) -> tuple[Any, str]:
    """What dvc.lock has of the stages that the command names, and its text; of all where it may need others, too."""
    try:
        text = Path(lockfile.path).read_text(encoding="utf-8")
    except UnicodeDecodeError:  # DVC says where
        text = ""
    one = "--single-item" in sys.argv and "--pull" not in sys.argv  # what is pulled is made by others
    if options or not one or (alone := of_stages(text, sys.argv[1:])) is None:
        return everything(lockfile, **options)  # type: ignore[no-any-return]
    return lockfile.validate(parse_yaml(alone, lockfile.path), lockfile.relpath), text


def of_stages(text: str, names: list[str]) -> str | None:
    """dvc.lock with the lines of these stages alone; None for a form that DVC does not write."""
    found = [lines_of(text, name) for name in names]
    if not is_plain(text) or any(len(places) > 1 for places in found):
        return None
    return HEAD + ("".join(place[0] for places in found for place in places) or "  {}\n")


def dump_stages(lockfile: Any, stages: list[Any], **options: Any) -> None:
    """Record some stages. DVC holds its lock, so that nobody else writes."""
    path = Path(lockfile.path)
    before = path.read_text(encoding="utf-8") if path.exists() else HEAD
    text: str | None = before
    for stage in stages:
        if text is not None:
            text = with_stage(text, stage.name, dumps_yaml({"stages": to_lockfile(stage, **options)}))
    if text is None:
        whole(lockfile, stages, **options)
    elif text != before:
        dvcfile.logger.info("%s lock file '%s'", "Updating" if path.exists() else "Generating", lockfile.relpath)
        write(path.resolve(), text)
        lockfile.repo.scm_context.track_file(lockfile.relpath)


def with_stage(text: str, name: str, dumped: str) -> str | None:
    """dvc.lock with the lines of a stage, `dumped` below the key `stages`; None for a form that DVC does not write."""
    first, _, block = dumped.partition("\n")
    key = f"  {name}:\n"
    if first != "stages:" or not block.startswith(key) or not is_plain(text) or not is_plain(HEAD + block):
        return None
    found = lines_of(text, name)
    if not found:
        return text + block
    here = found[0]
    return text[: here.start()] + block + text[here.end() :] if len(found) == 1 and here[0].startswith(key) else None


def lines_of(text: str, name: str) -> list[re.Match[str]]:
    """The places of a stage: its key, and the lines below it."""
    return list(re.finditer(rf"""^  ['"]?{re.escape(name)}['"]?:.*\n(?:(?!  [^ ]).*\n)*""", text, re.MULTILINE))


def is_plain(text: str) -> bool:
    """Whether stages stand in it one after the other, and none of them needs another."""
    if not text.startswith(HEAD) or not text.endswith("\n") or re.search(r"^[^ \n]", text[len(HEAD) :], re.MULTILINE):
        return False
    # Anchors; and line ends to YAML, which DVC takes for blanks when it reads them.
    return not re.search("[&*]id\\d|[\x85\u2028\u2029]", text)


def write(path: Path, text: str) -> None:
    """Put a whole file in the place of the old one, so that a kill cuts nothing off."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # the modules beside this one are to be found in their package only
    dvcfile.Lockfile.dump_stages, dvcfile.Lockfile._load_yaml = dump_stages, read
    sys.exit(main(sys.argv[1:]))
