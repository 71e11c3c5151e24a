"""What others may watch of a run: OpenTelemetry spans and metrics, structured logs. Off unless asked for."""
