"""Goal to plan: strategies, prompts, grammar."""
