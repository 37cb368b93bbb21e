"""Where alerts go: by mail, to Slack, to a webhook, to a command. None of them needs the database."""
