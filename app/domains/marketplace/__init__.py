"""The marketplace: models that are published with versions and prices, ordered, paid, and licensed."""
