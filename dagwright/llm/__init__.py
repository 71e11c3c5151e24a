"""Language models behind one one-method protocol."""
