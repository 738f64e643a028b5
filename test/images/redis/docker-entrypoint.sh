#!/bin/sh
# An option or a configuration file is meant for redis-server; root gives itself up.
set -e
case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ]; then
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis '{}' +
    exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
  fi
  # The official server is compiled without protected mode, Debian's with it: off, unless somebody said otherwise.
  said=no
  for argument; do
    case $argument in
      --protected-mode) said=yes ;;
      *.conf) if grep -qi '^[[:space:]]*protected-mode' "$argument" 2>/dev/null; then said=yes; fi ;;
    esac
  done
  case ${2:-} in --version | -v | --help | -h) said=yes ;; esac
  if [ "$said" = no ]; then set -- "$@" --protected-mode no; fi
fi
if [ "$(umask)" = 0022 ]; then umask 0077; fi
exec "$@"
