"""The database: engine, sessions, clock, column types and migrations."""
