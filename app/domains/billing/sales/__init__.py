"""Invoices of what other domains sell, paid when it was sold."""
