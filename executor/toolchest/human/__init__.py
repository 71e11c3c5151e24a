"""Pack `human`: questions to the person."""
