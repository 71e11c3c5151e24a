"""A program as a workflow: compiled, arranged in branches, divided, read as a graph."""
