"""The record of a run: events, artefacts, files, and what is read from them."""
