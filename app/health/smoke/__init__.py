"""Smoke: a job that does nothing, sent through the real queue of a pool to see that jobs get done."""
