"""The outside systems that people work in: their calendars at Google and Microsoft, and Slack."""
