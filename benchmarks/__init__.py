"""Suites that print figures from raw records; not in the wheel."""
