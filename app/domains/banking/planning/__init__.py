"""Bills, budgets and categories, and what members are told of them."""
