"""What engines are, and the one that needs no server: decisions, instances, threads."""
