"""The tasks that `protomtl init` proposes for a data set, and the columns that none of them reads."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from protomtl.core import sections
from protomtl.core.settings import SPLITS
from protomtl.own_data import blocks, files, guessing, twins
from protomtl.own_data.fields import Table
from protomtl.own_data.guessing import Guess
from protomtl.own_data.together import Together, about
from protomtl.tasks.settings import Task

Blocks = dict[str, dict[str, Any]]  # of tasks, as params.yaml has them


class Asked(NamedTuple):
    """What the user says: the columns of texts and labels, if any; and the names of the data set and of its folder."""

    texts: Sequence[str]
    labels: Sequence[str]
    name: str
    folder: str


def proposed(tables: Sequence[Table], joint: Sequence[Together], asked: Asked, taken: Sequence[str]) -> Blocks:
    """The blocks of a data set's tasks: one for each column of labels, and those of columns together. Raises Guess."""
    columns = {column.name: column for column in files.labelled_columns(tables)}
    texts = [name for name in asked.texts if name in columns]
    if len(texts) > 2:
        raise Guess(f"--text: one column or two, not {len(texts)}")
    words = about(asked.labels, [*columns])
    labels = [word for word in words if word in columns]
    aside = {*labels, *(name for task in joint for name in (*task.names, task.label))}
    aside.add(guessing.split_column(columns.values()) or "")
    rest = [column for column in columns.values() if column.name not in aside]
    texts = texts or guessing.texts_of(rest)
    if not words:
        columns |= (own := twins.once(tables, columns, guessing.labels_of(rest, texts, enough=bool(joint))))
        labels = [*own]
    places = {split: str(PurePosixPath(asked.name, f"{split}.csv")) for split in SPLITS}
    named = [("labels", blocks.block_of(task.block, texts, task.label, places)) for task in joint]
    named += [(label, blocks.task_of(columns[label], texts, places)) for label in labels]
    found: Blocks = {}
    for label, block in named:
        try:
            sections.validate(f"column {block['label']!r}", Task, block)
        except SystemExit as error:
            raise Guess(str(error)) from None
        found[guessing.task_name(label, asked.name or asked.folder, [*found, *taken])] = block
    return found


def left_aside(
    tables: Sequence[Table], tasks: Mapping[str, Mapping[str, Any]], joint: Sequence[Together], asked: Asked
) -> list[str]:
    """The column that says the splits, what can be the label too, and what no task reads; numbers of rows aside."""
    used = {name for block in tasks.values() for name in (*block["texts"], block["label"])}
    used |= {name for task in joint for name in task.names}
    columns = files.columns_of(tables)
    splits = guessing.split_column(columns) if len(tables) == 1 else None
    found = [c for c in columns if c.values and c.name not in {*used, splits} and not guessing.is_id(c)]
    said = [f"Splits: as column {splits} says"] if splits else []
    labels = [] if asked.labels or joint else [block["label"] for block in tasks.values()]
    if labels and (rivals := guessing.rivals(labels, found)):
        taken = f"{labels[0]} was taken for the label, as the last column that can be one, since no name says it"
        said.append(f"{taken}; --label names another: {', '.join(rivals)}")
    said += [f"Left out: {why}" for table in tables for why in table.nested.values()]
    names = ", ".join(column.name for column in found)
    return said + ([f"Columns that no task reads: {names}; --text and --label name others"] if names else [])
