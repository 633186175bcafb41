#!/bin/sh
# Run once by the official image on an empty volume: the database, the role that owns it and
# migrates it, and one role for each service. What each may do in its own schema the migration
# grants. None of them is a superuser or may make databases.
set -eu
role() {
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set role="$1" --set password="$(cat "${SECRETS:-/run/secrets}/$2")" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
}
role practice postgres_password
for service in identity catalog session stats; do
  role "practice_$service" "postgres_${service}_password"
done
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --command 'CREATE DATABASE practice OWNER practice'
