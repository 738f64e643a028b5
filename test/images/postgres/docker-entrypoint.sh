#!/usr/bin/env bash
# Makes the database cluster at the first start, then becomes the server.
set -Eeuo pipefail

main() {
  case ${1:-} in -*) set -- postgres "$@" ;; esac
  if [ "${1:-}" != postgres ] || asks_only "$@"; then exec "$@"; fi

  prepare_folders
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups "${BASH_SOURCE[0]}" "$@"
  fi
  if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  else
    initialise "$@"
  fi
  unset PGPASSWORD
  exec "$@"
}

# Options that make the server print something and end: nothing is to be prepared for those.
asks_only() {
  local argument
  for argument; do
    case $argument in -\? | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

# Whoever we are, what can be done is done: as any other user than root, folders may belong to somebody else already.
prepare_folders() {
  mkdir -p "$PGDATA" /var/run/postgresql 2>/dev/null || :
  chmod 00700 "$PGDATA" 2>/dev/null || :
  chmod 03775 /var/run/postgresql 2>/dev/null || :
  if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then mkdir -p "$POSTGRES_INITDB_WALDIR"; fi
  [ "$(id -u)" = 0 ] || return 0
  find "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} \
    \! -user postgres -exec chown postgres '{}' +
}

initialise() {
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
  require_password
  make_cluster
  allow_hosts "$@"

  export PGPASSWORD="$POSTGRES_PASSWORD"
  # On the unix socket only, so that nobody takes this for the server that is to come.
  PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -w start -o "$(quoted "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}")"
  if [ "$POSTGRES_DB" != postgres ]; then make_database; fi
  run_files /docker-entrypoint-initdb.d/*
  PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -m fast -w stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

# NAME from the environment or from the file that NAME_FILE names; both at once is a mistake.
from_file() {
  local name=$1 file_name="$1_FILE"
  if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
    printf 'error: both %s and %s are set (but are exclusive)\n' "$name" "$file_name" >&2
    exit 1
  fi
  local value=${!name:-${2:-}}
  if [ -n "${!file_name:-}" ]; then value=$(<"${!file_name}"); fi
  export "$name=$value"
  unset "$file_name"
}

require_password() {
  if [ -n "$POSTGRES_PASSWORD" ] || [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then return 0; fi
  cat >&2 <<'TEXT'
Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser, or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in.
TEXT
  exit 1
}

make_cluster() {
  local -a waldir=()
  if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then waldir=(--waldir "$POSTGRES_INITDB_WALDIR"); fi
  # The arguments are several words in one variable, quoted as for a shell.
  eval "initdb --username=\"\$POSTGRES_USER\" --pwfile=<(printf '%s\n' \"\$POSTGRES_PASSWORD\") \"\${waldir[@]}\" $POSTGRES_INITDB_ARGS"
}

allow_hosts() {
  local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "${@:2}")}
  printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
}

quoted() { printf '%q ' "$@"; }

# By the socket, whatever host the environment names for others.
sql() { PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" "$@"; }

make_database() {
  local found
  found=$(sql --dbname postgres --tuples-only --set db="$POSTGRES_DB" <<<"SELECT 1 FROM pg_database WHERE datname = :'db'")
  if [ -z "$found" ]; then sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'; fi
}

run_files() {
  local file
  for file; do
    case $file in
      *.sh) if [ -x "$file" ]; then echo "running $file"; "$file"; else echo "sourcing $file"; . "$file"; fi ;;
      *.sql) echo "running $file"; sql --dbname "$POSTGRES_DB" -f "$file" ;;
      *.sql.gz) echo "running $file"; gunzip -c "$file" | sql --dbname "$POSTGRES_DB" ;;
      /docker-entrypoint-initdb.d/\*) ;;
      *) echo "ignoring $file" ;;
    esac
  done
}

main "$@"
