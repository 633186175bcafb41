"""`practice reconcile`: statistics compared with what happened."""
