"""An export of version 0.1 is read today, also with the lowest versions of the libraries (`make lowest`)."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

import protomtl
from protomtl import PrototypeClassifier, TextEncoder
from protomtl.backends.whole import sealed
from protomtl.core.files import read_json, write_json
from tests.support import ROOT

OLD = ROOT / "tests/support/export_0_1"


def test_an_export_of_0_1_says_what_it_said_then() -> None:
    """Kept with what the code of 0.1.0 said of it: classes had numbers, there were no temperatures."""
    said, old = read_json(OLD / "said.json"), protomtl.load(OLD)
    np.testing.assert_allclose(old.encode(said["texts"]), said["vectors"], atol=1e-5)
    np.testing.assert_allclose(old.predict_proba("sst", said["texts"]), said["sst"], atol=1e-5)
    np.testing.assert_allclose(old.predict_proba("para", said["pairs"]), said["para"], atol=1e-5)
    assert old.predict("sts", said["pairs"]) == pytest.approx(np.clip(np.array(said["sts"])[:, 0], 0, 5), abs=1e-5)
    assert old.predict("sst", said["texts"]).tolist() == np.argmax(said["sst"], 1).tolist()
    assert type(old.predict("sst", said["texts"][0])) is int


def test_it_is_the_first_step_of_a_pipeline() -> None:
    texts, labels = ["good film", "great story", "bad film", "dull plot"], ["up", "up", "down", "down"]
    pipeline = make_pipeline(TextEncoder(str(OLD), normalize=True), PrototypeClassifier()).fit(texts, labels)
    assert pipeline.predict_proba(texts).shape == (4, 2)


@pytest.mark.parametrize("name", ["examples.json", "examples.safetensors", "onnx/readouts/sst.onnx"])
def test_a_file_that_the_export_does_not_name_is_of_another_one(name: str, tmp_path: Path) -> None:
    """A new export copied over an older one that had reasons: they would be those of other vectors."""
    shutil.copytree(OLD, tmp_path / "model")
    write_json(tmp_path / "model/protomtl.json", sealed(OLD, read_json(OLD / "protomtl.json")))
    (tmp_path / "model/notes.txt").write_text("mine")
    protomtl.load(tmp_path / "model")
    (added := tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
    added.write_bytes(b"{}")
    with pytest.raises(ValueError, match=f"{name}: is of another export than the rest; remove it"):
        protomtl.load(tmp_path / "model")
