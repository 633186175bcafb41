"""The session service, which remembers how users' days run."""
