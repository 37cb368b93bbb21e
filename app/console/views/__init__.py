"""Saved views: lists of jobs that somebody comes back to, under a name."""
