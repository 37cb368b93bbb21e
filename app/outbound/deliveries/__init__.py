"""Deliveries: the record of each effect outside the database, so that it happens once."""
