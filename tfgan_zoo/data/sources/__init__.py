"""One module per data source, found by its file name; each has a class `Source`."""
