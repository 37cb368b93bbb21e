"""Alerts: what an operator is told when something breaks, and once more when it is well again."""
