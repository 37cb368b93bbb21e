"""Schedules in the console."""
