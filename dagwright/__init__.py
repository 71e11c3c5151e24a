"""The vocabulary that every room shares: frozen artefacts, canonical JSON, exceptions."""
