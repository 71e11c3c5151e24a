"""Tools of MCP servers: programs spoken to over standard input and output, or endpoints (streamable HTTP)."""
