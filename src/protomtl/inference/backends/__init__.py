"""Formats of an export that are run without torch. Each has the parts of the network that `Model` asks for."""
