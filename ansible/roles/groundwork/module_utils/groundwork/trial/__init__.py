"""A release on trial, before anything depends on it."""
