"""Releases on a host, complete or not there."""
