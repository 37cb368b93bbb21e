"""The port to Google Calendar."""
