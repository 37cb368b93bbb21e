"""Removing what deploys made, and nothing else."""
