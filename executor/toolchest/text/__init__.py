"""Pack `text`: quarantined language model steps."""
