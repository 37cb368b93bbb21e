"""The database's shape, one numbered step after another."""
