"""`protomtl demo`: what the page says is what the model says; nothing typed is run, kept or sent elsewhere."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import protomtl
from protomtl import cli
from protomtl.core.files import read_json
from protomtl.inference import demo_page
from tests.support.commands import call
from tests.support.makers import unsealed

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

NASTY = "<img src=x onerror=document.title='run'> <script>document.title='run'</script> **film** $x^2$"

MOODS = ("very negative", "negative", "neutral", "positive", "very positive")  # as params.yaml has them


@pytest.fixture
def page(model: Path, monkeypatch: pytest.MonkeyPatch) -> "AppTest":
    """The page as Streamlit runs it, without a browser."""
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(sys, "argv", ["demo.py", str(model)])
    test = AppTest.from_file(demo_page.__file__, default_timeout=60).run()
    assert not test.exception
    return test


def test_the_page_says_what_the_model_says(page: "AppTest", model: Path) -> None:
    trained = protomtl.load(model)
    sentences, first, second = (field.value.splitlines() for field in page.text_area)
    pairs = list(zip(first, second, strict=True))
    sst, para, sts = (table.value for table in page.dataframe)
    np.testing.assert_allclose(sst[list(MOODS)], trained.sentiment(sentences))
    assert sst["sentence"].tolist() == sentences
    assert sst["prediction"].tolist() == [MOODS[k] for k in trained.sentiment(sentences).argmax(1)]
    np.testing.assert_allclose(para["yes"], trained.paraphrase(pairs))
    np.testing.assert_allclose(sts["value"], trained.similarity(pairs))
    assert list(zip(sts["sentence1"], sts["sentence2"], strict=True)) == pairs


def test_what_an_export_calls_its_method_is_text(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: "AppTest"
) -> None:
    """It may be of somebody else: a picture of Markdown would ask another server for it."""
    folder = unsealed(model, tmp_path / "theirs")
    record = read_json(folder / "protomtl.json") | {"method": "![x](http://elsewhere/x.png) <b>"}
    (folder / "protomtl.json").write_text(json.dumps(record))
    monkeypatch.setattr(sys, "argv", ["demo.py", str(folder)])
    assert r"!\[x](http://elsewhere/x.png) \<b>, seed 1; nothing" in page.run().caption[0].value


def test_a_new_text_changes_its_table_only(page: "AppTest", model: Path) -> None:
    before = page.dataframe[1].value
    page.text_area[0].set_value(f"  {NASTY}\n\n good film ").run()
    assert page.dataframe[0].value["sentence"].tolist() == [NASTY, "good film"]
    np.testing.assert_allclose(
        page.dataframe[0].value[list(MOODS)], protomtl.load(model).sentiment([NASTY, "good film"])
    )
    assert page.dataframe[1].value.equals(before)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        (0, "film\n" * 51, "At most 50 lines"),
        (1, "one\ntwo\nthree", "Line 3 has one text"),
        (1, "one\n\nthree", "Line 2 has one text"),  # not `three` beside the second line
    ],
)
def test_too_much_or_unequal_input_is_refused(page: "AppTest", field: int, text: str, message: str) -> None:
    page.text_area[field].set_value(text).run()
    assert message in page.error[0].value and not page.exception
    assert len(page.dataframe) == (2 if field == 0 else 1)  # the other tab still answers


def test_pairs_are_those_of_a_line_whichever_lines_are_empty(page: "AppTest") -> None:
    page.text_area[1].set_value("\none\n\ntwo").run()
    page.text_area[2].set_value("\nun\n\ndeux\n").run()
    assert page.dataframe[1].value[["sentence1", "sentence2"]].to_numpy().tolist() == [["one", "un"], ["two", "deux"]]


def test_no_field_takes_more_than_its_limit(page: "AppTest") -> None:
    page.text_area[0].set_value("x" * 100_000).run()
    assert page.dataframe[0].value["sentence"].tolist() == ["x" * 5000]


def test_nothing_typed_is_nothing_shown(page: "AppTest") -> None:
    page.text_area[0].set_value(" \n ").run()
    assert len(page.dataframe) == 2 and not page.error and not page.exception


def test_a_text_of_the_map_falls_on_its_own_place(model: Path) -> None:
    """Its vector is one of the map's: weights by distance leave no other neighbour a say."""
    import pandas as pd

    trained = protomtl.load(model)
    sentence = pd.read_parquet(model.parent / "data/prepared/sst/dev.parquet")["text_a"][3]
    points = demo_page.placed(trained, "sst", [sentence], list(MOODS))
    vectors, _, places = trained.map("sst")
    nearest = np.linalg.norm(vectors - trained.vectors("sst", [sentence]), axis=1).argmin()
    np.testing.assert_allclose(points[["x", "y"]].to_numpy()[-1], places[nearest], atol=0.1)
    assert points["kind"].value_counts().to_dict() == {"dev example": 24, "prototype": 5, "yours": 1}


def test_a_folder_without_an_export_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["protomtl", "demo", "--model", "nothing"])
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main()
    message = capsys.readouterr().err
    assert message.startswith("protomtl demo: nothing: no protomtl.json there; `protomtl export METHOD --to nothing`")


def test_without_streamlit_the_message_says_what_to_install(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['streamlit'] = None; sys.argv = ['protomtl', 'demo']; "
    call_main = "from protomtl.cli import main; main()"
    message = call(tmp_path, sys.executable, "-c", hide + call_main, code=2).stderr
    assert "pip install 'protomtl[demo]'" in message
