"""Importing time entries from CSV."""
