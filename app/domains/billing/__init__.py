"""Billing: what clients owe for time that was worked."""
