"""Queues that somebody has paused: what is in them waits, and nothing of it begins."""
