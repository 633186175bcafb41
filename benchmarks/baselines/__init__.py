"""The plain version of the same service: what a team writes with FastAPI, SQLAlchemy's ORM and Celery.

One table row is one object, one request one transaction. Tokens are verified, ownership is checked, the same
database server is as durable. It has no journal, outbox, idempotency, or limits.
"""
