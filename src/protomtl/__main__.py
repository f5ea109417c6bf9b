"""`python -m protomtl`, and `python src/protomtl`, which takes the code beside this file: as the command `protomtl`."""

import sys
from pathlib import Path

if not __package__:  # run as a folder: its modules are to be found under the package's name, and only so
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from protomtl.cli import main

if __name__ == "__main__":
    main()
