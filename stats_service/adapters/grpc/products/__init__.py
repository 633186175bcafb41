"""Translations into the shapes of the products' own documents."""
