"""An OpenSSH server on loopback, as a lab's file server: a process, keys and configuration of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
AuthenticationMethods publickey
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
"""


class Server(NamedTuple):
    folder: Path  # what it stores, and its keys
    port: int
    process: subprocess.Popen[bytes]

    def url(self, name: str) -> str:
        return f"ssh://127.0.0.1:{self.port}{self.folder / name}"

    def authorize(self, key: Path) -> Path:
        with (self.folder / "authorized").open("a") as file:
            file.write(public(key))
        return key

    def command(self, key: Path) -> str:
        """How git reaches the server (`core.sshCommand`)."""
        known = f"-o UserKnownHostsFile={self.folder}/known -o StrictHostKeyChecking=yes"
        return f"ssh -F none -i {key} -o IdentitiesOnly=yes {known}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text()


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Running until the end. Without sshd the test is skipped, or with NEED_SSHD set (as CI does) it fails."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if not sshd:
        assert not os.environ.get("NEED_SSHD"), "NEED_SSHD is set, but there is no sshd: install openssh-server"
        pytest.skip("no sshd on this machine (Debian: openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # root's sshd asks for it; the system's service makes it as well
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir()
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    (folder / "known").write_text(f"[127.0.0.1]:{port} {public(make_key(folder / 'host'))}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=log)
    running = Server(folder, port, process)
    try:
        wait_for(running)
        yield running
    finally:
        running.stop()


def wait_for(running: Server, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and running.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", running.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"sshd did not start:\n{(running.folder / 'log').read_text()}")
