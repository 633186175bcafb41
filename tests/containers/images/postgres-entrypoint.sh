#!/bin/bash
# Does what the entry point of PostgreSQL's official image does: on an empty volume it makes the
# cluster, runs what lies in /docker-entrypoint-initdb.d while only a socket serves, and then
# becomes the command.
set -Eeo pipefail
if ! [ -s "$PGDATA/PG_VERSION" ]; then
  password=${POSTGRES_PASSWORD:-$(cat "$POSTGRES_PASSWORD_FILE")}
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$password")' \
    '--auth-local=trust --auth-host=scram-sha-256' "$POSTGRES_INITDB_ARGS"
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  # The official image has been built with these as its defaults.
  printf "listen_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n" >> "$PGDATA/postgresql.conf"
  export PGHOST=/var/run/postgresql
  pg_ctl --pgdata "$PGDATA" --options "-c listen_addresses=''" --wait start
  for script in /docker-entrypoint-initdb.d/*.sh; do
    if [ -x "$script" ]; then "$script"; else . "$script"; fi
  done
  pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
  unset PGHOST
fi
exec "$@"
