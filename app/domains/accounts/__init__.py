"""Users: who they are, how they want to be told, and how they begin."""
