"""The broker, which carries messages and is asked what it holds; nothing above knows which one it is."""
