#!/bin/sh
# Runs what lies in /docker-entrypoint.d before nginx starts, in the order of the names.
set -e
if [ "${1:-}" = nginx ] || [ "${1:-}" = nginx-debug ]; then
  for file in /docker-entrypoint.d/*; do
    case $file in
      *.envsh) [ ! -x "$file" ] || . "$file" ;;
      *.sh) [ ! -x "$file" ] || "$file" ;;
    esac
  done
fi
exec "$@"
