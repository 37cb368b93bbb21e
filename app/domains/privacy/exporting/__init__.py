"""Exports: all that is held about a person as one encrypted archive, made on disk and piece by piece."""
