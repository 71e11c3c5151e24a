"""Pack `data`: operations over tables."""
