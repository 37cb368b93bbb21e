"""Bulk acts: one thing done to many jobs that somebody chose, at a pace, until it is done or stopped."""
