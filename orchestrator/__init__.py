"""The six phases end to end, approvals, the command line."""
