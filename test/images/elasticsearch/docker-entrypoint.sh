#!/bin/bash
# Puts the first password into the keystore, then becomes the server; any other command is run as it is.
set -e
umask 0002

main() {
  if [ "${1:-}" != eswrapper ] && [ "$(basename -- "${1:-}")" != elasticsearch ]; then exec "$@"; fi
  shift
  from_file ELASTIC_PASSWORD
  from_file KEYSTORE_PASSWORD
  if [ -n "${ELASTIC_PASSWORD:-}" ]; then keep_password; fi
  exec /usr/share/elasticsearch/bin/elasticsearch "$@" <<<"${KEYSTORE_PASSWORD:-}"
}

# NAME from the file that NAME_FILE names, if that file is its owner's alone.
from_file() {
  local name=$1 file_name="$1_FILE"
  local file=${!file_name:-}
  if [ -z "$file" ]; then return 0; fi
  if [ -n "${!name:-}" ]; then complain "Both $file_name and $name are set. These are mutually exclusive."; fi
  if [ ! -e "$file" ]; then complain "File $file from $file_name does not exist"; fi
  local mode
  mode=$(stat -L -c %a "$file")
  case $mode in
    400 | 600) ;;
    *) complain "File $file from $file_name must have file permissions 400 or 600, but actually has: $mode" ;;
  esac
  export "$name=$(cat "$file")"
  unset "$file_name"
}

keep_password() {
  cd /usr/share/elasticsearch
  if [ ! -f config/elasticsearch.keystore ]; then
    elasticsearch-keystore create >/dev/null
  elif elasticsearch-keystore list <<<"${KEYSTORE_PASSWORD:-}" | grep -q '^bootstrap.password$'; then
    return 0
  fi
  elasticsearch-keystore add --stdin bootstrap.password <<<"$ELASTIC_PASSWORD"
}

complain() {
  echo "ERROR: $1" >&2
  exit 1
}

main "$@"
