"""The ledger: its tables, the statements every job goes through, and what its columns take."""
