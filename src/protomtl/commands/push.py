"""Command `push`: put an exported model on the Hugging Face hub, after showing what goes there."""

import argparse
import sys
from pathlib import Path
from typing import Any

from protomtl.core import paths
from protomtl.core.paths import CARD
from protomtl.inference import hub
from protomtl.inference.export_files import belongs, is_of
from protomtl.inference.lines import BadInput
from protomtl.sources.hub_errors import LOGIN, HubError, asked, hub_errors

EXAMPLES = """
  protomtl push results/export ORG/NAME
  protomtl push results/export ORG/NAME --private --yes
`hf auth login` or HF_TOKEN is the login; HF_ENDPOINT names another hub"""
EMPTY = {CARD, ".gitattributes"}  # what a repository without a model has
SHOWN = 8  # names of a line
NOWHERE = '"FOLDER"'  # in the code of a card

Files = dict[str, Path]  # by the name in the repository


def arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("folder", metavar="FOLDER", help="what `protomtl export` wrote")
    add("name", metavar="ORG/NAME", help="of a new repository, or of one with an older export, which is replaced")
    add("--private", action="store_true", help="make a new repository that only its owners see")
    add("--yes", action="store_true", help="do not ask before anything is sent")


def run(args: argparse.Namespace) -> None:
    """Show, ask, push; what cannot be ends with a line and status 2."""
    try:
        push(Path(args.folder), args.name, args.private, args.yes)
    except (BadInput, FileNotFoundError, HubError, ValueError) as error:
        print(f"protomtl push: {error}", file=sys.stderr)
        sys.exit(2)


def push(folder: Path, name: str, private: bool, yes: bool) -> None:
    """Only a folder that loads is pushed, and only the files of its export, in one commit."""
    from huggingface_hub import get_token  # heavy, like the next

    from protomtl.inference.loading import load

    found = hub.NAME.fullmatch(name)
    if found is None or found["revision"]:
        raise BadInput(f"{name}: is no name of a repository, which is ORG/NAME")
    record = load(folder, device="cpu").record
    ours, others = files_of(folder, record)
    if CARD not in ours:
        raise BadInput(f"{folder}: has no {CARD}, the model card, with the licence; export it again")
    if get_token() is None:
        raise BadInput(f"{name}: there is no login; {LOGIN}, or set HF_TOKEN")
    api = hub.client()
    with hub_errors(name):
        there = repository(api, name)
    refuse(name, there, private)
    stale = [old for old in names(there) if belongs(old) and old not in ours]
    show(f"{folder} → {api.endpoint}/{name} ({seen(there, private)})", ours, others, stale)
    if not yes and not agreed(name):
        sys.exit("nothing was pushed")
    with hub_errors(name):
        commit = send(api, name, ours, stale, there, private, f"{record['method']}, seed {record['seed']}")
    print(f'{commit.commit_url}\nprotomtl.load("{name}", revision="{commit.oid}")')


def files_of(folder: Path, record: dict[str, Any]) -> tuple[Files, list[str]]:
    """The files of an export, and the names of others; hidden ones aside, which are a tool's notes."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    ours = {name: path for name, path in found.items() if is_of(name, record)}
    hidden = {name for name in found if any(part.startswith(".") for part in name.split("/"))}
    return ours, [name for name in found if name not in ours and name not in hidden]


def repository(api: Any, name: str) -> Any:
    """What the hub says of a repository; None if there is none that this login may see."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        return asked(lambda: api.model_info(name, timeout=hub.WAIT))
    except GatedRepoError:
        raise
    except RepositoryNotFoundError:
        return None


def names(there: Any) -> list[str]:
    return [file.rfilename for file in there.siblings or ()] if there else []


def refuse(name: str, there: Any, private: bool) -> None:
    """BadInput for a repository that is not ours to replace, and for one that all see where none should."""
    held = {*names(there)}
    if paths.RECORD not in held and held - EMPTY:
        raise BadInput(f"{name}: is there already and holds no export of protomtl; choose another name")
    if private and there and not there.private:
        raise BadInput(f"{name}: is there already, and everybody sees it; make it private on its page first")


def seen(there: Any, private: bool) -> str:
    """Who sees the repository."""
    if there:
        return f"an older one is replaced; {'private' if there.private else 'public'}"
    return "new, private" if private else "new, public unless its owner's settings say otherwise"


def show(title: str, ours: Files, others: list[str], stale: list[str]) -> None:
    """What goes there and what does not, on standard error."""
    sizes = {name: path.stat().st_size for name, path in ours.items()}
    width = max(map(len, sizes))
    lines = [title, *(f"  {name:{width}} {size:>13,} bytes" for name, size in sizes.items())]
    lines.append(f"{len(sizes)} files, {hub.megabytes(sum(sizes.values()))}")
    if others:
        lines.append(f"left out, for they are no part of an export: {some(others)}")
    if stale:
        lines.append(f"removed there, for they are of the older export: {some(stale)}")
    if paths.EXAMPLES in ours:
        lines.append(f"{paths.EXAMPLES} has texts of training rows; who sees the repository can read them")
    print("\n".join(lines), file=sys.stderr)


def some(found: list[str]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def agreed(name: str) -> bool:
    """Whether somebody says yes. BadInput where nobody can be asked."""
    if not sys.stdin.isatty():
        raise BadInput(f"{name}: nothing was pushed, for there is no terminal to ask on; say --yes")
    print("Push this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def send(api: Any, name: str, ours: Files, stale: list[str], there: Any, private: bool, what: str) -> Any:
    """All files in one commit, which is refused if the repository changed since it was looked at."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    if there is None:  # without a word for or against, its owner's settings say who sees it
        asked(lambda: api.create_repo(name, private=private or None, exist_ok=True))
    card = ours[CARD].read_text(encoding="utf-8").replace(NOWHERE, f'"{name}"').encode()
    changes = [CommitOperationAdd(path, card if path == CARD else file) for path, file in ours.items()]
    gone = [CommitOperationDelete(path) for path in stale]
    before = there.sha if there else None
    return api.create_commit(name, [*changes, *gone], commit_message=f"{what}, by protomtl", parent_commit=before)
