"""What identity can be asked to do, a file for each subject."""
