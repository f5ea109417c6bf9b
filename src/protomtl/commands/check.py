"""Command `check`: check all of params.yaml; nothing is printed when it is sound."""

import argparse

from protomtl import params


def run(args: argparse.Namespace) -> None:
    params.load()
