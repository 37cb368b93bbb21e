"""Bringing an item's transactions up to date: asked for, fetched, and written."""
