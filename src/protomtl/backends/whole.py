"""Whether an exported folder is as it was exported: its record has the digests of its files, and of itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protomtl.core.files import digest_folder, digest_of, finite, sha256
from protomtl.core.paths import CARD, RECORD

FILES = "files"  # of the record


def sealed(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the digest of each file that is in the folder by now, the card aside, and of its own rest."""
    rest = json.loads(json.dumps(finite(rest_of(record))))  # as it will be read
    files = {path: digest for path, digest in digest_folder(folder).items() if path not in (CARD, RECORD)}
    return {**rest, FILES: {**files, RECORD: digest_of(rest)}}


def rest_of(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != FILES}


def check(folder: Path, record: Mapping[str, Any]) -> None:
    """SystemExit for a file that is missing, or has other bytes than were exported; what is there beside is not looked
    at. An export of before has no digests."""
    known: Mapping[str, str] = record.get(FILES, {})
    for path, digest in known.items():
        if path != RECORD and not (folder / path).is_file():
            raise SystemExit(f"{folder / path}: is missing; copy the folder again, or export the model again")
        if (digest_of(rest_of(record)) if path == RECORD else sha256(folder / path)) != digest:
            raise SystemExit(
                f"{folder / path}: other bytes than were exported; copy the folder again, or export the model again "
                f"(if it was changed on purpose, remove `{FILES}` from {RECORD})"
            )
