"""Processes: how each service is started, and what it tells those who watch over it."""
