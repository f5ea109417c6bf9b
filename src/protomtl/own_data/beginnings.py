"""What a file is that is not what its ending says, by how it begins: a workbook named .csv, a pointer of git-lfs."""

import re

BEGINNINGS = {  # of what is no table: what it is, and what to do
    rb"\x1f\x8b": "is packed by gzip; its name must end in .gz",
    rb"BZh\d1AY|\xfd7zXZ|\x28\xb5\x2f\xfd": "is packed; unpack it",
    rb"PK\x03\x04": "is a workbook or a zip file; save its table as CSV, or unpack it",
    rb"\xd0\xcf\x11\xe0": "is an old workbook; save its table as CSV",
    rb"PAR1": "is Parquet; its name must end in .parquet",
    rb"%PDF": "is a PDF; save its table as CSV",
    rb"version https://git-lfs": "is a pointer of git-lfs, not the table; fetch it by `git lfs pull`",
    rb"\s*<(?i:!doctype|html|\?xml)": "is a page of markup, as of a server's error; fetch the table itself",
}
JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(\[\s*)?\{\s*\"")  # objects, in a list or a line each
LINES = (".jsonl", ".ndjson")


def other_than(content: bytes, ending: str) -> str | None:
    """What a file of this ending is in the place of what it says, in words; None where its beginning fits."""
    for beginning, said in BEGINNINGS.items():
        if re.match(beginning, content):
            return None if (ending, beginning) == (".parquet", rb"PAR1") else said
    if ending in (".parquet", ".json") or (found := JSON.match(content)) is None:
        return None
    if found[1]:
        return "is a list of JSON; its name must end in .json"
    return None if ending in LINES else "is JSON; its name must end in .jsonl"
