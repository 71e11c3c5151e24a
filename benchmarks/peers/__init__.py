"""Other schedulers, each in an environment of its own behind one process that reads DAGs and writes seconds."""
