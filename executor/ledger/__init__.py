"""Which effects were meant, which happened, and of which nobody knows."""
