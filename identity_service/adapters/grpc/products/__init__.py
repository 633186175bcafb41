"""The adapters of products, a folder each. They convert, and decide nothing."""
