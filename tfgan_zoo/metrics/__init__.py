"""Metrics: equations over the features of two sides, found by name. Each in two steps: statistics -> number."""
