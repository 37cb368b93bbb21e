"""Backups of a Groundwork host: the broker's files, the ledger and the settings. Standard library only."""
