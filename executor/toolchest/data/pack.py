"""The catalogue of pack `data`."""

from __future__ import annotations

from dagwright.catalogue import Catalogue, catalogue_of
from executor.toolchest.data.column_specs import CHANGING
from executor.toolchest.data.file_specs import LOADING, WRITING
from executor.toolchest.data.number_specs import GROUPING, SINGLE
from executor.toolchest.data.row_specs import CHOOSING


def catalogue() -> Catalogue:
    """Gives the operations over tables."""
    return catalogue_of("data", LOADING + CHOOSING + CHANGING + GROUPING + SINGLE + WRITING)
