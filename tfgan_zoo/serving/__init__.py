"""Serving: SavedModels that plain TensorFlow and TensorFlow Serving load."""
