"""Presets: one TOML file per experiment, found by file name."""
