"""A Parquet file as a table of text; where the Hugging Face hub wrote it, class numbers become the classes' names,
whose order is kept: it says which class is yes, and which are neighbours."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protomtl.core.tables import repeated
from protomtl.own_data.fields import BadFile, Table, of_objects

HUB = b"huggingface"  # where its library `datasets` says what columns are


def read(path: Path, content: bytes) -> Table:
    """A row an object. Raises BadFile."""
    import pyarrow as pa  # heavy
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        if twice := repeated(file.schema_arrow.names):
            raise BadFile(f"{path}: two columns are named {twice[0]!r}; rename one")
        found = file.read()
    except (pa.ArrowException, OSError) as error:
        raise BadFile(f"{path}: not valid Parquet: {str(error).splitlines()[0]}") from None
    names = names_of_classes(found.schema.metadata or {})
    rows = [{c: named(value, names.get(c, [])) for c, value in row.items()} for row in found.to_pylist()]
    return of_objects(path, [*enumerate(rows, 1)])._replace(classes=names)


def names_of_classes(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Of the columns that have some, or whose lists have; none where it is not as `datasets` writes it."""
    found = {}
    try:
        for column, feature in json.loads(metadata[HUB])["info"]["features"].items():
            inner = feature[0] if isinstance(feature, list) else feature
            inner = inner.get("feature", inner)
            if inner.get("_type") == "ClassLabel":
                found[column] = [str(name) for name in inner["names"]]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return {}
    return found


def named(value: Any, names: list[str]) -> Any:
    """A value, or a list of them, as the names of its classes; -1 stands for a label that is not public."""
    if isinstance(value, list) and names:
        return [named(part, names) for part in value]
    if not names or type(value) is not int or not -1 <= value < len(names):
        return value
    return names[value] if value >= 0 else None
