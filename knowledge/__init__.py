"""Documents in, evidence out: ingest, store, embed, retrieve."""
