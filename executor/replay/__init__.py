"""A run looked at again: verified, replayed, judged anew, compared, laid out in time."""
