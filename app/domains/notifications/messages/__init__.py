"""Messages to users, of which nothing is known but whom they are for and what they say."""
