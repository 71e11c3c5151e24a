"""Task to steps with tool intents, grounded in evidence."""
