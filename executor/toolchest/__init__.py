"""The tools that come along: data, files, text, human."""
