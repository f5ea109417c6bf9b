"""Two people share runs by one server: git and DVC over ssh (docs/guides/remotes.md)."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import engines
from tests.support.commands import call
from tests.support.engines import nothing_to_do, results
from tests.support.makers import patch_params
from tests.support.ssh import Server, make_key, server
from tests.support.versions import commit


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "server") as running:
        yield running


def use(project: Path, host: Server, key: Path) -> Path:
    """What each user sets in a clone: the key, and it stays out of git."""
    call(project, "git", "config", "core.sshCommand", host.command(key))
    call(project, "dvc", "remote", "modify", "-q", "--local", "storage", "keyfile", str(key))
    return project


@pytest.fixture
def shared(host: Server, project: Path, tmp_path: Path) -> Path:
    """The finished clone, and all of it on the server; its storage is laid out as DVC's cache is, which is faster."""
    call(tmp_path, "git", "init", "-q", "--bare", "-b", "main", str(host.folder / "p.git"))
    call(project, "git", "remote", "add", "origin", host.url("p.git"))
    call(project, "dvc", "remote", "add", "-q", "-d", "storage", host.url("storage"))
    use(project, host, host.authorize(make_key(tmp_path / "first")))
    commit(project, "remote")
    call(project, "git", "push", "-qu", "origin", "main")
    shutil.copytree(project / ".dvc/cache/files", host.folder / "storage/files")
    return project


@pytest.fixture
def colleague(shared: Path, host: Server, tmp_path: Path) -> Path:
    """A clone of what is on the server, by somebody with another key; nothing is pulled yet."""
    key = host.authorize(make_key(tmp_path / "second"))
    call(tmp_path, "git", "clone", "-q", "-c", f"core.sshCommand={host.command(key)}", host.url("p.git"), "clone")
    return use(tmp_path / "clone", host, key)


def stored(host: Server) -> set[Path]:
    return {path.relative_to(host.folder) for path in (host.folder / "storage").rglob("*") if path.is_file()}


def test_a_colleague_pulls_changes_one_parameter_and_gives_back_what_it_changed(
    shared: Path, colleague: Path, host: Server
) -> None:
    whole = stored(host)
    shutil.rmtree(host.folder / "storage")
    call(shared, "dvc", "push", "-q")  # for once by DVC itself
    assert stored(host) <= whole
    call(colleague, "dvc", "pull", "-q")
    nothing_to_do(colleague)
    assert results(colleague) == results(shared)
    patch_params(colleague, {"compare": ["cosine"]})
    assert engines.run(colleague, "snakemake").ran == {"tables", "report", "figures"}
    commit(colleague, "compared with cosine")
    before = stored(host)
    call(colleague, "dvc", "push", "-q")
    call(colleague, "git", "push", "-q")
    assert stored(host) > before  # what is new is added, nothing is taken away
    assert results(shared) != results(colleague)
    assert "keyfile" not in call(shared, "git", "show", "HEAD:.dvc/config").stdout  # it is in .dvc/config.local
    call(shared, "git", "pull", "-q")
    call(shared, "dvc", "pull", "-q")
    nothing_to_do(shared)
    assert results(shared) == results(colleague)
    assert "Everything is up to date" in call(shared, "dvc", "push").stdout


def test_a_key_that_the_server_does_not_know_is_refused_and_harms_nothing(
    shared: Path, host: Server, tmp_path: Path
) -> None:
    before, remote = results(shared), stored(host)
    use(shared, host, make_key(tmp_path / "unknown"))
    for command in ("push", "pull"):
        refused = call(shared, "dvc", command, code=None)
        assert refused.returncode and "Permission denied for user" in refused.stderr, refused
    assert stored(host) == remote
    assert results(shared) == before
    nothing_to_do(shared)


def test_with_a_server_that_is_gone_nothing_is_run_and_it_is_named(colleague: Path, host: Server) -> None:
    host.stop()
    failed = call(colleague, "dvc", "pull", code=None)
    assert failed.returncode and f"Connect call failed ('127.0.0.1', {host.port})" in failed.stderr, failed
    run = engines.run(colleague, "snakemake", fails=True)
    assert f"Connect call failed ('127.0.0.1', {host.port})" in run.output
    assert not run.ran  # what the server holds is not computed again
