"""The kinds of pools that a worker may run its jobs in."""
