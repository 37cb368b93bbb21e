"""What the pages of the console take with many jobs behind them."""
