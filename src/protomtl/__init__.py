"""Prototypical pre-training for multi-task sentence encoders, as a pipeline of small steps."""

__version__ = "0.1.0"
