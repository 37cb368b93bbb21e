"""Reports of sales: of each day and each month one, as CSV and as PDF, kept and mailed to administrators."""
