#!/bin/sh
# Run once by the official image on an empty volume: the role and database that
# the services use, so that none of them is a superuser.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set password="$(cat /run/secrets/postgres_password)" <<'SQL'
CREATE ROLE practice LOGIN PASSWORD :'password';
CREATE DATABASE practice OWNER practice;
SQL
