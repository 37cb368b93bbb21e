"""Schedules by HTTP, beside their routes."""
