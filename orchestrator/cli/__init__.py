"""The command line `dagwright`: one file per group of verbs."""
