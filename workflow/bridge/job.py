"""One job: `python workflow/bridge/job.py repro …` is `dvc repro …`, but for the way in which dvc.lock is written.

After each stage DVC reads all of dvc.lock with the parser that keeps comments, and writes all of it: nine tenths of a
job where there are 300 stages. Here the lines of the one stage are put in the place of its older ones. The file has the
same bytes as DVC's; wherever it might not, DVC writes it.
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
from dvc.utils.serialize import dumps_yaml

HEAD = "schema: '2.0'\nstages:\n"
whole = dvcfile.Lockfile.dump_stages


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
    plain = text.startswith(HEAD) and text.endswith("\n") and not re.search(r"^[^ \n]", text[len(HEAD) :], re.MULTILINE)
    if first != "stages:" or not block.startswith(key) or not plain or re.search(r"[&*]id\d", block):
        return None
    if re.search(
        "[\x85\u2028\u2029]", text + block
    ):  # line ends to YAML, which DVC takes for blanks when it reads them
        return None
    found = list(re.finditer(rf"""^  ['"]?{re.escape(name)}['"]?:.*\n(?:(?!  [^ ]).*\n)*""", text, re.MULTILINE))
    if not found:
        return text + block
    here = found[0]
    return text[: here.start()] + block + text[here.end() :] if len(found) == 1 and here[0].startswith(key) else None


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
    dvcfile.Lockfile.dump_stages = dump_stages
    sys.exit(main(sys.argv[1:]))
