"""The setting of the comparisons: whoever checks params.yaml reads it without the libraries that compare."""

from typing import Annotated

from pydantic import Field

Margin = Annotated[float, Field(gt=0, lt=1)]  # of every figure that enters overall, and of overall itself
