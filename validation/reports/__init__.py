"""Reports for others to read: SARIF 2.1.0 for code scanning, rows for tables, places in a file. Pure."""
