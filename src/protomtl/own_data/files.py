"""A user's files as three splits, and as the UTF-8 CSV files that step `prepare` reads."""

import csv
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from protomtl.core.settings import SPLITS
from protomtl.data.readers import UNLABELLED, BadRow, Row, read_table
from protomtl.data.splitting import FEWEST, FOLDS, splits_of
from protomtl.own_data.columns import Column, said
from protomtl.own_data.fields import Table, one_newline
from protomtl.own_data.guessing import SHARD, Guess, split_column, split_of
from protomtl.tasks.settings import Task

Places = list[tuple[int, int]]  # (which table, which row) of the rows of a split, in order

LIST = "split.csv"  # which row of which file went where


def columns_of(tables: Sequence[Table]) -> list[Column]:
    """The columns of all files with their values, without those that say nothing."""
    names = dict.fromkeys(name for table in tables for name in table.columns)
    found = []
    for name in names:
        having = [(table, table.columns.index(name)) for table in tables if name in table.columns]
        values = said([row[place] for table, place in having for row in table.rows])
        order = next((table.classes[name] for table, _ in having if name in table.classes), ())
        share = any(name in table.shares for table in tables)
        found.append(Column(name, [value for value in values if value], order, share))
    return found


def labelled_columns(tables: Sequence[Table]) -> list[Column]:
    """`columns_of`, without what stands in test for labels that are not public (GLUE: -1): no other split has it; and
    without the -1 of rows on which people did not agree."""
    found, given = [], given_splits(tables)
    for column in columns_of(tables):
        nothing = hidden(tables, given, column.name)
        found.append(agreed(column._replace(values=[value for value in column.values if value not in nothing])))
    return found


def hidden(tables: Sequence[Table], given: Mapping[str, Places], column: str) -> set[str]:
    """What stands in test for labels that are not public; nothing where another split has it too."""

    def words(*splits: str) -> set[str]:
        return {cell(tables, place, column).strip() for split in splits for place in given.get(split, [])}

    test = words("test") - {""}
    return test if test <= {*UNLABELLED} and not test & words("train", "dev") else set()


def agreed(column: Column) -> Column:
    """Without -1 beside 0, 1, 2, … if it is the rarest of them: no class, but a row without one (SNLI). Of percentages
    it is a value."""
    values = [] if column.share else column.numbers
    counts = Counter(values)
    missing = counts.pop(-1, 0)
    if not 0 < missing < min(counts.values(), default=0) or sorted(counts) != [*range(max(3, len(counts)))]:
        return column
    return column._replace(values=[v for v, value in zip(column.values, values, strict=True) if value != -1])


def given_splits(tables: Sequence[Table]) -> dict[str, Places]:
    """The rows of each split, as the files' names or, of one file, a column's values say it; of a file that says
    nothing all rows are training. Raises Guess for several files of which one says nothing, or two say the same and are
    no parts of one."""
    if len(tables) == 1:
        return by_column(tables[0])
    found: dict[str, Places] = {}
    for number, table in enumerate(tables):
        split = split_of(table.path.name)
        if split is None:
            raise Guess(f"{table.path}: its name does not say whether it is train, dev or test; put one of these in it")
        if split in found and not SHARD.search(table.path.name):
            raise Guess(f"{table.path}: a second file whose name says {split}; name each split once")
        found.setdefault(split, []).extend((number, row) for row in range(len(table.rows)))
    if "train" not in found:
        raise Guess("no file's name says train; one must")
    return {split: found[split] for split in SPLITS if split in found}


def by_column(table: Table) -> dict[str, Places]:
    """The rows of a file's splits by the values of a column, or all as training. Raises Guess for a row without one."""
    name = split_column(columns_of([table]))
    if name is None:
        return {"train": [(0, row) for row in range(len(table.rows))]}
    place = table.columns.index(name)
    found = [split_of(row[place]) for row in table.rows]
    if blank := [line for line, split in zip(table.lines, found, strict=True) if split is None]:
        raise Guess(
            f"{table.path}:{blank[0]}: column {name!r} says which split a row is of, and is empty here, as in "
            f"{len(blank)} rows; write train, dev or test, or remove these rows"
        )
    return {split: [(0, row) for row, own in enumerate(found) if own == split] for split in SPLITS if split in found}


def drawn_splits(
    tables: Sequence[Table], given: dict[str, Places], texts: Sequence[str], label: str, seed: int
) -> dict[str, Places]:
    """All three splits: those that were not given are drawn from the training rows, a tenth each. Raises Guess."""
    missing = [split for split in ("test", "dev") if split not in given]
    if not missing:
        return given
    rows = given["train"]
    if len(rows) < FEWEST:
        needed = f"give at least {FEWEST}, or files of {' and '.join(missing)} too"
        raise Guess(f"{len(rows)} rows are too few to draw {' and '.join(missing)} from; {needed}")
    own = [[cell(tables, place, name) for name in texts] for place in rows]
    labels = strata([cell(tables, place, label) for place in rows])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # it is spread as far as it goes
        try:
            found = splits_of(own, labels, seed, missing)
        except ValueError as error:
            raise Guess(f"{error}; give files of {' and '.join(missing)}") from None
    drawn = {s: [place for place, split in zip(rows, found, strict=True) if split == s] for s in ("train", *missing)}
    return {split: (given | drawn)[split] for split in SPLITS}


def too_little(splits: Mapping[str, Places], drawn: Sequence[str]) -> list[str]:
    """A line if a split that was drawn has less than half of a tenth of the rows, else nothing."""
    share = sum(len(splits[split]) for split in ("train", *drawn)) // FOLDS
    few = [f"{split} has {len(splits[split])}" for split in drawn if 2 * len(splits[split]) < share]
    why = f"where a tenth is {share}: rows that share texts with many others are all in train"
    return [f"  {' and '.join(few)} rows, {why}; files of {' and '.join(drawn)} would say more"] if few else []


def strata(labels: Sequence[str]) -> np.ndarray:
    """[n] what is to be alike in all splits: the class, of many values the fifth; rare classes count as one."""
    labels = said(labels)
    column = Column("", [label for label in labels if label])
    if column.numbers and len(set(column.numbers)) > FOLDS:
        edges = np.quantile(column.numbers, [0.2, 0.4, 0.6, 0.8])
        return np.array([np.searchsorted(edges, float(label)) if label else -1 for label in labels])
    common = {label: k for k, (label, count) in enumerate(sorted(Counter(labels).items())) if count >= FOLDS}
    return np.array([common.get(label, -1) for label in labels])


def refuse_missing(
    tables: Sequence[Table], splits: Mapping[str, Places], texts: Sequence[str], labels: Sequence[str]
) -> None:
    """Guess for a file that lacks a column; of test only texts are needed."""
    for split, places in splits.items():
        for number in dict.fromkeys(number for number, _ in places):
            for name in [*texts, *(labels if split != "test" else ())]:
                if name not in tables[number].columns:
                    has = ", ".join(map(repr, tables[number].columns))
                    raise Guess(f"{tables[number].path}: no column {name!r}; it has {has}")


def cell(tables: Sequence[Table], place: tuple[int, int], column: str) -> str:
    """A field, empty where its file has no such column."""
    table = tables[place[0]]
    return table.rows[place[1]][table.columns.index(column)] if column in table.columns else ""


def write(folder: Path, tables: Sequence[Table], splits: Mapping[str, Places]) -> None:
    """SPLIT.csv for each, with all columns of its file, and the list of which row came from where."""
    for split, places in splits.items():
        used = [tables[n] for n in dict.fromkeys(number for number, _ in places)]
        columns = [*dict.fromkeys(name for table in used for name in table.columns)]
        rows = [[one_newline(cell(tables, place, name)) for name in columns] for place in places]
        write_csv(folder / f"{split}.csv", columns, rows)
    listed = [
        [tables[n].path.name, str(tables[n].lines[row]), split] for split, places in splits.items() for n, row in places
    ]
    write_csv(folder / LIST, ["file", "line", "split"], listed)


def write_csv(path: Path, columns: list[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([columns, *rows])


def rows_read(folder: Path, task: Task, split: str) -> Iterator[Row | BadRow]:
    """The rows of a split as step `prepare` will read them."""
    yield from read_table(folder / getattr(task.files, split), task, labelled=split != "test")
