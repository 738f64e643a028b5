#!/bin/sh
# An option, or a word that is no program, is meant for node.
set -e
case ${1:-} in
  -*) set -- node "$@" ;;
  *) command -v "${1:-}" >/dev/null || set -- node "$@" ;;
esac
exec "$@"
