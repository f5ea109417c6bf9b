"""Texts under stress: noise that keeps a label, and changes of meaning that decide it. Only `perturb` depends on it."""
