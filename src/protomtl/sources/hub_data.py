"""Data sets of the Hugging Face hub, and folders that `datasets` has saved, as the CSV files that `prepare` reads."""

import csv
import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from protomtl.core.errors import first_line
from protomtl.sources.hub_errors import HubError, hub_errors
from protomtl.tasks.kinds import in_one

PLACE = re.compile(r"(?P<name>[^/:@]+/[^/:@]+)(:(?P<config>[^/:@]+))?(@(?P<commit>[0-9a-f]{40}))?/(?P<split>[^/:@]+)")
SHAPE = "ORG/NAME/SPLIT, of a configuration ORG/NAME:CONFIG/SPLIT"
STATE = "state.json"  # what tells a saved split from other folders


class Place(NamedTuple):
    """A split of a data set of the hub, at a commit, if one is named."""

    name: str
    config: str | None
    commit: str | None
    split: str


def place(key: str, value: str) -> Place:
    """What a file's name of `data.source: hub` says. SystemExit for another shape; `key` names it in params.yaml."""
    found = PLACE.fullmatch(value)
    if found is None:
        raise SystemExit(f"params.yaml: {key}: {value!r} is no split of the hub; write {SHAPE}")
    return Place(found["name"], found["config"], found["commit"], found["split"])


def from_hub(key: str, value: str, columns: Iterable[str], target: Path) -> None:
    """Write a split of the hub as CSV. SystemExit for what cannot be had, and for one without a commit: a data set may
    be another tomorrow, so its commit belongs into params.yaml, with which DVC records the result."""
    name, config, commit, split = place(key, value)
    datasets = library(f"params.yaml: {key}: {value}")
    from huggingface_hub import HfApi  # heavy

    try:
        with hub_errors(f"params.yaml: {key}: could not fetch {value} from the Hugging Face hub"):
            if commit is None:
                commit = HfApi().dataset_info(name).sha
                told = f"{name}{f':{config}' if config else ''}@{commit}/{split}"
                raise SystemExit(
                    f"params.yaml: {key}: {name} may be another tomorrow; today it is this one, write: {told}"
                )
            found = datasets.load_dataset(name, config, split=split, revision=commit)
    except HubError as error:
        raise SystemExit(
            f"{error}\nWithout a network: save it elsewhere by `save_to_disk`, and name the folder by `source: folder` "
            "and `folder: PLACE`; or set HF_ENDPOINT to a mirror of the hub."
        ) from None
    write(f"params.yaml: {key}: {value}", found, columns, target)


def is_saved(folder: Path) -> bool:
    """Whether a folder is a split that `datasets` has saved."""
    return (folder / STATE).is_file()


def from_saved(folder: Path, columns: Iterable[str], target: Path) -> None:
    """Write a saved split as CSV. SystemExit for one that is not whole."""
    datasets = library(str(folder))
    try:
        found = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{folder}: `datasets` cannot read it: {first_line(error)}") from None
    write(str(folder), found, columns, target)


def library(where: str) -> Any:
    """`datasets`, if it is installed."""
    if importlib.util.find_spec("datasets") is None:
        raise SystemExit(f"{where}: needs the library datasets: pip install 'protomtl[hub]'")
    import datasets  # optional, heavy

    datasets.disable_progress_bars()
    return datasets


def write(where: str, found: Any, columns: Iterable[str], target: Path) -> None:
    """The wanted columns of a split, those of them that it has: prepare names the missing ones. Class numbers become
    the names that the data set has for them."""
    used = [name for name in dict.fromkeys(columns) if name in found.features]
    features = {name: found.features[name] for name in used}
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(used)
        for number, row in enumerate(rows(found, used), start=1):
            writer.writerow([shown(f"{where}: row {number}: column {n!r}", features[n], row[n]) for n in used])


def rows(found: Any, used: list[str]) -> Iterator[Mapping[str, Any]]:
    yield from found.select_columns(used) if used else ()


def shown(where: str, feature: Any, value: Any) -> str:
    """A value as the field of a CSV file; nothing for none. SystemExit for what is no text, number or list of these."""
    if isinstance(value, list):
        return in_one(shown(where, getattr(feature, "feature", None), part) for part in value)
    if value is None or value != value:
        return ""
    if hasattr(feature, "int2str"):
        return "" if value == -1 else str(feature.int2str(value))  # -1: labels that are not public
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise SystemExit(f"{where}: is neither text nor number; choose another column")
    return str(value)
