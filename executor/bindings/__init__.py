"""How a guarded worker runs an operation: python, http, llm, human."""
