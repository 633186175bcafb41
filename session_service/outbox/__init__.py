"""The outbox: the relay, dead letters, and the record of events for reconciliation."""
