"""Sources of documents: OpenAPI, Markdown, catalogues."""
