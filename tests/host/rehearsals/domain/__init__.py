"""Work that takes a given time and leaves one row: rehearsals count what was done, and how often."""
