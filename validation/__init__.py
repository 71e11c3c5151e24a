"""Five levels of checks, the type relation, information flow, fixes; certify. Pure."""
