"""The local stack: real servers from wheels, supervised, with all data in one directory."""
