"""Trunks that several families use unchanged."""
