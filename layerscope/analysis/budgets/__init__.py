"""Budgets: rules, baselines, and verdicts, including dive's rules and numbers."""
