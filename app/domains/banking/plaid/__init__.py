"""The port to Plaid: its client, and what it answers, read strictly."""
