"""Git and DVC as a user has them."""

from pathlib import Path

from tests.support.commands import call


def commit(project: Path, message: str) -> None:
    call(project, "git", "add", "-A")
    call(project, "git", "commit", "-qm", message)
