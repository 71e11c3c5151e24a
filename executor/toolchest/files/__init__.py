"""Pack `files`: texts and reports in the run's folder."""
