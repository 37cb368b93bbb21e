"""Which release began to run when: what a deploy was, as the workers show it."""
