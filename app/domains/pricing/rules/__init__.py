"""The discount rules: their table, the file they are read from, and how they are shown."""
