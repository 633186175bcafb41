"""docker-compose.yml run in real containers: `make containers-test`."""
