"""Downloads: a file arrives whole and checked, or not at all and with a message that says what to do."""

import base64
import hashlib
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from protomtl.sources import fetch
from tests.support.sources import files_in, make_mirror

CONTENT = b"id,text\n1,a film\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GIT_BLOB = "47818f64f553fd3017267d9945b8e1e63942b488"  # `git hash-object` of CONTENT


class Handler(BaseHTTPRequestHandler):
    """/whole sends CONTENT, /truncated announces more than it sends, anything else is not found."""

    def do_GET(self) -> None:
        if self.path not in ("/whole", "/truncated"):
            self.send_error(404, "no such thing here")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) + (1000 if self.path == "/truncated" else 0)))
        self.end_headers()
        self.wfile.write(CONTENT)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a web server on the loopback interface."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def refused_url(address: str, target: Path, expected: str = SHA256) -> str:
    """The message of a download that must fail."""
    with pytest.raises(SystemExit) as caught:
        fetch.url(address, target, expected, timeout=10)
    return str(caught.value)


# --- fetch.url


def test_a_file_with_the_expected_sha256_is_kept(server: str, tmp_path: Path) -> None:
    fetch.url(f"{server}/whole", tmp_path / "table.csv", SHA256)
    assert (tmp_path / "table.csv").read_bytes() == CONTENT
    assert files_in(tmp_path) == ["table.csv"]


def test_a_file_with_the_expected_git_blob_id_is_kept(server: str, tmp_path: Path) -> None:
    fetch.url(f"{server}/whole", tmp_path / "table.csv", GIT_BLOB)
    assert (tmp_path / "table.csv").read_bytes() == CONTENT


def test_a_new_file_replaces_an_older_one(server: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("older")
    fetch.url(f"{server}/whole", tmp_path / "table.csv", SHA256)
    assert (tmp_path / "table.csv").read_bytes() == CONTENT


@pytest.mark.parametrize("wrong", ["0" * 64, "0" * 40], ids=["sha256", "git blob id"])
def test_a_wrong_checksum_is_refused_and_leaves_no_file(server: str, tmp_path: Path, wrong: str) -> None:
    message = refused_url(f"{server}/whole", tmp_path / "table.csv", wrong)
    found = SHA256 if len(wrong) == 64 else GIT_BLOB
    assert f"{server}/whole" in message and wrong in message and found in message
    assert files_in(tmp_path) == []


def test_a_wrong_checksum_leaves_an_older_file_as_it_was(server: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("older")
    refused_url(f"{server}/whole", tmp_path / "table.csv", "0" * 64)
    assert (tmp_path / "table.csv").read_text() == "older"
    assert files_in(tmp_path) == ["table.csv"]


def test_a_connection_that_ends_early_is_an_error_and_leaves_an_older_file_as_it_was(
    server: str, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("older")
    message = refused_url(f"{server}/truncated", tmp_path / "table.csv")
    assert f"{server}/truncated" in message and f"{len(CONTENT)} bytes" in message
    assert (tmp_path / "table.csv").read_text() == "older"
    assert files_in(tmp_path) == ["table.csv"]


def test_a_page_that_is_not_there_is_an_error_that_names_it(server: str, tmp_path: Path) -> None:
    message = refused_url(f"{server}/missing", tmp_path / "table.csv")
    assert f"{server}/missing" in message and "404" in message
    assert files_in(tmp_path) == []


def test_a_server_that_is_not_there_is_an_error_that_names_it_and_the_mirror(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/table.csv"
        message = refused_url(address, tmp_path / "table.csv")
    assert address in message
    assert "PROTOMTL_MIRROR" in message and "data.mirror" in message and "SHA256SUMS" in message
    assert files_in(tmp_path) == []


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


# --- fetch.package


def make_wheel(folder: Path) -> str:
    """A wheel of the package `tiny-thing` 1.0 in `folder`; returns its SHA-256."""
    folder.mkdir()
    info = "tiny_thing-1.0.dist-info"
    members = {
        "tiny_thing/__init__.py": b"",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    members[f"{info}/RECORD"] = ("".join(lines) + f"{info}/RECORD,,\n").encode()
    path = folder / "tiny_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in members.items():
            wheel.writestr(name, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip can see: no index, no configuration of the user."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    return tmp_path / "index"


def test_a_package_with_the_pinned_hash_gives_its_file(index: Path, tmp_path: Path) -> None:
    digest = make_wheel(index)
    path = fetch.package(fetch.Package("tiny-thing", "1.0", digest), tmp_path / "out")
    assert path == tmp_path / "out" / "tiny_thing-1.0-py3-none-any.whl"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_a_package_with_another_hash_is_refused(index: Path, tmp_path: Path) -> None:
    digest = make_wheel(index)
    with pytest.raises(SystemExit) as caught:
        fetch.package(fetch.Package("tiny-thing", "1.0", "0" * 64), tmp_path / "out")
    assert "tiny-thing 1.0" in str(caught.value) and "0" * 64 in str(caught.value) and digest in str(caught.value)
    assert files_in(tmp_path / "out") == ["requirements.txt"]


def test_an_index_that_is_out_of_reach_is_an_error_that_says_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    with pytest.raises(SystemExit) as caught:
        fetch.package(fetch.Package("tiny-thing", "1.0", "0" * 64), tmp_path / "out")
    message = str(caught.value)
    assert "could not fetch tiny-thing 1.0" in message and "pip download" in message and "127.0.0.1" in message
    assert "PIP_INDEX_URL" in message and "PIP_FIND_LINKS" in message
