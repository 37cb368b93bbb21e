"""Makes entries of the events of calendars that users connected."""
