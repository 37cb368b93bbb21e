"""Invoices: made from approved time, numbered without gaps, sent, paid and credited."""
