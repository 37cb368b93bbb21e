"""Importing products and batches from files."""
