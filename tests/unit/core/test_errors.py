"""The one line that is told of a library's error."""

import pytest

from protomtl.core.errors import first_line


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such file\nat line 3"), "no such file"),
        (ValueError("\n  of several lines\nmore"), "of several lines"),
        (ValueError(""), "ValueError"),
        (OSError(" \n"), "OSError"),
        (KeyError("gelu2"), "KeyError: 'gelu2'"),
    ],
)
def test_one_line_is_left_of_any_error(error: Exception, told: str) -> None:
    assert first_line(error) == told
