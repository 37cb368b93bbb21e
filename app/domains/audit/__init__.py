"""Audit: who asked what of the API, and who signed in or failed to; kept, searched, exported, pruned."""
