"""The description of the REST APIs, OpenAPI 3.1, made from the contracts."""
