"""The port to Slack: profiles, messages, and the events that it sends."""
