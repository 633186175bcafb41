"""Publishing products: their rows, versions, and what stored sessions let a row say."""
