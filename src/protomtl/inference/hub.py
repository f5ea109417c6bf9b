"""Models of the Hugging Face hub by their names, as huggingface_hub's own cache has them.

Only files of an export are fetched (`export_files`), each checked by its hash. No code of a repository is read. The
record is fetched last: a commit in the cache that has it is whole.
"""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from protomtl.core.paths import RECORD, RESULTS
from protomtl.inference.export_files import is_of
from protomtl.sources.hub_errors import HubError, asked, hub_errors, is_away, reason

WORD = r"\w(?:[\w.-]*\w)?"
NAME = re.compile(rf"(?P<repository>{WORD}/{WORD})(?:@(?P<revision>\S+))?", re.ASCII)
MODEL = "what `protomtl export` wrote: a folder, or ORG/NAME or ORG/NAME@REVISION of the Hugging Face hub"
WAIT = 20  # seconds for one answer

Check = Callable[[dict[str, Any]], None]  # refuses a record, by a SystemExit


class Place(NamedTuple):
    """A repository of the hub, and a branch, tag or commit of it."""

    repository: str
    revision: str = "main"

    def __str__(self) -> str:
        return self.repository if self.revision == "main" else f"{self.repository}@{self.revision}"


def place(model: str | Path, revision: str | None) -> Place | None:
    """What of the hub is meant by ORG/NAME or ORG/NAME@REVISION; None for a folder.

    A folder wins over a repository of its name. Where a folder ORG is here, ORG/NAME is a folder that is not, unless a
    revision says otherwise. ValueError for a revision of a folder, and for two.
    """
    found = None if isinstance(model, Path) or Path(model).exists() else NAME.fullmatch(model)
    if found is None:
        if revision is not None:
            raise ValueError(f"{model}: is a folder, or no ORG/NAME of the hub; it has no revision")
        return None
    said = found["revision"] or revision
    if revision is not None and revision != said:
        raise ValueError(f"{model}: names another revision than revision={revision!r}; give one")
    owner = Path(found["repository"]).parts[0]
    if said is None and (owner == RESULTS.name or Path(owner).exists()):
        return None
    return Place(found["repository"], said or "main")


def fetched(wanted: Place, check: Check) -> Path:
    """The folder of a model, fetched if it is not in the cache; its name is the commit.

    check: is asked before the weights come. Without a network, and where the hub is busy, what the cache has is taken,
    with a word. HubError for what cannot be had.
    """
    api = client()
    with hub_errors(str(wanted)):
        cached, names = in_cache(wanted), {"repo_id": wanted.repository, "revision": wanted.revision}
        try:
            info = asked(lambda: api.model_info(timeout=WAIT, files_metadata=True, **names))
        except Exception as error:
            if cached is None or not is_away(error):
                raise
            say(f"{wanted}: commit {cached.name} as the cache has it; the hub was not reached: {reason(error)}")
            return cached
        same = cached is not None and cached.name == info.sha
        return cached if cached and same else download(api, wanted, info, check)


def in_cache(wanted: Place) -> Path | None:
    """The folder of a whole model in the cache, of the commit that its revision was when the hub was last asked."""
    from huggingface_hub import try_to_load_from_cache  # heavy

    record = try_to_load_from_cache(wanted.repository, RECORD, revision=wanted.revision)
    return Path(record).parent if isinstance(record, str) else None


def download(api: Any, wanted: Place, info: Any, check: Check) -> Path:
    """Fetch the files of an export; of all others their names are told."""
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    if RECORD not in sizes:
        raise HubError(f"{wanted}: holds no model of protomtl, for it has no {RECORD}")
    record = read_record(api, wanted, info.sha)
    check(record)
    ours = [name for name in sizes if is_of(name, record)]
    others = [name for name in sizes if name not in ours and not name.startswith(".")]
    total = megabytes(sum(sizes[name] for name in ours))
    say(f"{wanted}: commit {info.sha}, {len(ours)} files, {total}; what the cache lacks of them is fetched")
    if others:
        say(f"{wanted}: left out, for they are no part of an export: {', '.join(sorted(others))}")
    patterns = [escape(name) for name in ours if name != RECORD]
    folder = Path(asked(lambda: api.snapshot_download(wanted.repository, revision=info.sha, allow_patterns=patterns)))
    for name in ours:  # of which the hub's list, which the cache keeps, may not have told
        if name != RECORD and not (folder / name).is_file():
            asked(partial(api.hf_hub_download, wanted.repository, name, revision=info.sha))
    last = Path(asked(lambda: api.hf_hub_download(wanted.repository, RECORD, revision=wanted.revision)))
    if last.parent.name != info.sha:
        raise HubError(f"{wanted}: was changed while it was fetched; load it again")
    refuse_changed(api, wanted, last.parent, ours)
    return last.parent


def read_record(api: Any, wanted: Place, commit: str) -> dict[str, Any]:
    """protomtl.json, past the cache, which has it only with all the rest."""
    with TemporaryDirectory() as scratch:
        path = Path(asked(lambda: api.hf_hub_download(wanted.repository, RECORD, revision=commit, local_dir=scratch)))
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, dict):
        raise HubError(f"{wanted}: its {RECORD} is no record of an export")
    return found


def refuse_changed(api: Any, wanted: Place, folder: Path, ours: list[str]) -> None:
    """Remove from the cache, and name, files whose content has not the hash that the hub says, or of which it says
    none."""
    found = asked(lambda: api.verify_repo_checksums(wanted.repository, revision=folder.name))
    wrong = [name for name in ours if name in {*(file["path"] for file in found.mismatches), *found.extra_paths}]
    for name in {*wrong, RECORD} if wrong else ():
        (folder / name).resolve().unlink(missing_ok=True)  # the content, to which the name is a link
        (folder / name).unlink(missing_ok=True)
    if wrong:
        raise HubError(f"{wanted}: what came is not what the hub has: {', '.join(wrong)}; it is gone, load it again")


def client() -> Any:
    """huggingface_hub, which knows endpoint, login, cache and proxies."""
    from huggingface_hub import HfApi  # heavy

    return HfApi(library_name="protomtl")


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def say(words: str) -> None:
    """To standard error, unless huggingface_hub's own bars are off (HF_HUB_DISABLE_PROGRESS_BARS)."""
    from huggingface_hub.utils import are_progress_bars_disabled  # type: ignore[attr-defined]

    if not are_progress_bars_disabled():
        print(words, file=sys.stderr, flush=True)
