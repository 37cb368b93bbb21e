"""The doctor: looks at everything the service stands on and says what to do about each fault."""
