"""Suite `agentdojo`: tool calls that injected text asks for, against the validator and the guarded workers."""
