#!/bin/sh
# Makes the files that docker-compose.yml mounts as secrets; keeps those that exist.
#
#   sh deploy/secrets.sh .practice/containers
#
# Needs sh and an openssl that knows Ed25519 (1.1.1 or newer). The directory is closed to others;
# the files in it are readable, because each container reads its own under a user id that means
# nothing on this machine.
set -eu
directory=${1:?"usage: sh deploy/secrets.sh DIRECTORY"}
umask 077
mkdir -p "$directory"
chmod 700 "$directory"
cd "$directory"

# Whole or not at all: an interrupted run leaves no empty secret.
put() { cat > ".$1.unfinished" && chmod 444 ".$1.unfinished" && mv -f ".$1.unfinished" "$1"; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
secret() { [ -s "$1" ] || openssl rand 32 | base64url | put "$1"; }

secret postgres_superuser_password
secret postgres_password
for service in identity catalog session stats; do
  secret "postgres_${service}_password"
done
secret redis_password
secret internal_token

if ! [ -s signing_key.pem ] || ! [ -s jwks.json ]; then
  [ -s signing_key.pem ] || openssl genpkey -algorithm ed25519 | put signing_key.pem
  # The last 32 bytes of the DER form are the public key; its thumbprint (RFC 7638) is its id.
  x=$(openssl pkey -in signing_key.pem -pubout -outform DER | tail -c 32 | base64url)
  kid=$(printf '{"crv":"Ed25519","kty":"OKP","x":"%s"}' "$x" | openssl dgst -sha256 -binary | base64url)
  printf '{"keys": [{"crv": "Ed25519", "kty": "OKP", "x": "%s", "kid": "%s", "use": "sig", "alg": "EdDSA"}]}\n' \
    "$x" "$kid" | put jwks.json
fi

url() { printf 'postgresql://%s:%s@postgres:5432/practice' "$1" "$(cat "$2")"; }
url practice postgres_password | put database_url
for service in identity catalog session stats; do
  url "practice_$service" "postgres_${service}_password" | put "database_url_$service"
done
printf 'redis://:%s@redis:6379/0' "$(cat redis_password)" | put redis_url
put valkey.conf <<CONFIGURATION
bind 0.0.0.0
port 6379
protected-mode yes
requirepass $(cat redis_password)
dir "/data"
daemonize no
maxmemory-policy noeviction
save ""
appendonly yes
appendfsync everysec
CONFIGURATION
echo "secrets in $directory"
