"""Mathematics of the metrics, on NumPy arrays."""
