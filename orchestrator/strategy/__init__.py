"""How planner and decomposer share the work: plan first, or task and intent in turn."""
