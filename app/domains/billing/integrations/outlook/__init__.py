"""The port to Outlook calendars, by Microsoft Graph."""
