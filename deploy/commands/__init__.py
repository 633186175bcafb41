"""What the `practice` command asks of the services, a room for each subject."""
