"""Faults of the system in one line."""

import errno
import os

import pytest

from protomtl import faults


def test_a_file_that_may_not_grow_is_said_and_is_no_full_disk() -> None:
    """Of FAT a file of more than 4 GB, or `ulimit -f`."""
    said = "^a file would be larger than its disk, or `ulimit -f`, lets it be"
    with pytest.raises(SystemExit, match=said), faults.in_words():
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
