"""`python -m protomtl`: the same as the command `protomtl`."""

from protomtl.cli import main

if __name__ == "__main__":
    main()
