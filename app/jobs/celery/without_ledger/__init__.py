"""What is loaded where the ledger is not: by Flower."""
