"""The business domains. Each knows the platform; the platform knows none of them."""
