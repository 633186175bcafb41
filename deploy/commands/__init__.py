"""What the `practice` command asks of the services, a folder for each subject."""
