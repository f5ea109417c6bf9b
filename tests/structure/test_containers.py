"""Both recipes of the image say the same. `containers/check` proves that it works offline."""

import re

from tests.support import ROOT

DOCKER = (ROOT / "containers/Dockerfile").read_text()
APPTAINER = (ROOT / "containers/protomtl.def").read_text()


def section(name: str) -> list[str]:
    """The lines of a section of the definition."""
    found = re.search(rf"^%{name}\n((?:    .*\n)+)", APPTAINER, re.M)
    assert found, name
    return [line.strip() for line in found[1].splitlines()]


def test_both_begin_with_the_same_base() -> None:
    assert re.findall(r"^FROM (.+)$", DOCKER, re.M) == re.findall(r"^From: (.+)$", APPTAINER, re.M)


def test_both_take_the_same_files_along() -> None:
    sources = {name for line in re.findall(r"^COPY (.+) \S+$", DOCKER, re.M) for name in line.split()}
    assert sources == {line.split()[0] for line in section("files")}
    assert all(line.split()[1] == f"/project/{line.split()[0]}" for line in section("files"))
    assert all((ROOT / name).exists() for name in sources)


def test_both_set_the_same_environment_and_run_the_same_script() -> None:
    variables = dict(re.findall(r"^ENV (\w+)=(.+)$", DOCKER, re.M))
    del variables["HOME"]  # Apptainer brings the user's
    assert variables == dict(re.findall(r"export (\w+)=(.+)", "\n".join(section("environment"))))
    assert section("post") == [f"VENV={variables['VENV']} /project/containers/setup"]
    assert re.search(r"^RUN .* containers/setup$", DOCKER, re.M)
