"""What the record of an export says of where it was made."""

import pytest

from protomtl.steps.export.build import published


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("data/encoder", "data/encoder"),
        ("/home/me/models/bert-of-mine", "bert-of-mine"),
        ("../models/bert-of-mine/", "bert-of-mine"),
        ("~/models/bert-of-mine", "bert-of-mine"),
    ],
)
def test_a_backbone_outside_the_project_is_told_without_its_place(folder: str, shown: str) -> None:
    backbone = {"name": "folder", "folder": folder, "pooling": "mean"}
    assert published(backbone) == {**backbone, "folder": shown}
