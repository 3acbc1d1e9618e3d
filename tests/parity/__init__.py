"""Contract against Python: the same result, and no other."""
