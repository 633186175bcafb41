"""Accounts, passwords, tokens and the keys that verify them. Nothing about practice."""
