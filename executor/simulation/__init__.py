"""Dry runs: the same workflow on a virtual clock."""
