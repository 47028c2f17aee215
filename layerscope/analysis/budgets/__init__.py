"""Budgets: rules, what they are measured against, and the verdict; dive's rules and numbers among them."""
