"""A project on a disk that is full, or that lets nothing be written: real ones, mounted where nobody else sees them."""

import shutil
import subprocess
from pathlib import Path

from tests.support.commands import environment

ALONE = ("unshare", "-Urm")  # mounts of one's own
FULL = """
set -e
project=$1 disk=$2 kilobytes=$3; shift 3
mount -t tmpfs -o size=128m tmpfs "$disk"
cp -a "$project" "$disk/p"
mount --bind "$disk/p" "$project"
cd "$project"
free=$(df --output=avail -k . | tail -1)
fallocate -l $(( (free - kilobytes) * 1024 )) "$disk/ballast"
"$@" 2>&1 || true
rm "$disk/ballast"
cp -a "$disk/p" "$project.left"
"""
READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
cd "$1"
shift
"$@" 2>&1 && echo "it could be written"
exit 0
"""


def mounts_are_allowed() -> bool:
    command = (*ALONE, "mount", "-t", "tmpfs", "tmpfs", "/mnt")
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


def on_a_full_disk(project: Path, kilobytes: int, *command: str) -> str:
    """What a command says with so much space; in the project is then what it has left."""
    disk = project.with_name("disk")
    disk.mkdir()
    said = alone(FULL, str(project), str(disk), str(kilobytes), *command)
    disk.rmdir()
    shutil.rmtree(project)
    project.with_name(f"{project.name}.left").rename(project)
    return said


def read_only(project: Path, *command: str) -> str:
    """What a command says where nothing can be written."""
    return alone(READ_ONLY, str(project), *command)


def alone(script: str, *words: str) -> str:
    run = [*ALONE, "bash", "-c", script, "sh", *words]
    done = subprocess.run(run, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
