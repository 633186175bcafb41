"""The Common Expression Language, by the library `common-expression-language`."""
