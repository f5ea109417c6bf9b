"""Formats of an export that are run without torch: what stands in the place of its network."""
