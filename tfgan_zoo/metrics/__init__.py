"""Measures of generated data, in three steps each of which stands alone: features -> statistics -> number."""
