"""Conductor OSS: the server, the client, the engine."""
