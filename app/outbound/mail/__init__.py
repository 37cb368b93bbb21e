"""Mail: messages, what carries them, and that each leaves once."""
