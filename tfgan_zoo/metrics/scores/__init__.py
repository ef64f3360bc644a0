"""The quality metrics, one or a few related ones per module; a file put here is found by its metrics' names."""
