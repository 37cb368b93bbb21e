"""The log of a job: what is logged while an attempt runs, kept within bounds and stored with the ledger."""
