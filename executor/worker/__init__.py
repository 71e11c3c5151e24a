"""The guarded worker: from a step to its tool, back with checked outputs, and what undoes it."""
