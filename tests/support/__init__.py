"""What tests are made with; no tests in here."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
