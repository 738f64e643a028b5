import { defaultImages } from '../defaults.ts';
import type { Service } from '../model.ts';
import { dataNetworks, dataPorts, hardened, imageOf, type Making, secret, service } from '../service.ts';

/** PostgreSQL with a UTF-8 locale; from version 18 on its image keeps the data one folder higher. */
export function postgres(making: Making): Service {
  const { config, base } = making;
  const image = imageOf(making, 'postgres', { standard: defaultImages.postgres });
  const dataPath = dataPathOf(image.reference);
  const { POSTGRES_DB, POSTGRES_USER } = config.settings;
  return service(making, 'postgres', {
    image,
    entrypoint: ['sh', '-c', wholeFirstStart, 'portiere'],
    command: ['postgres', ...(base === 'test' ? forgetful : [])],
    environment: {
      POSTGRES_DB,
      POSTGRES_USER,
      POSTGRES_PASSWORD_FILE: '/run/secrets/POSTGRES_PASSWORD',
      POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C.UTF-8',
    },
    secrets: [secret('POSTGRES_PASSWORD')],
    networks: dataNetworks(making),
    ports: dataPorts(making, 5432),
    mounts: [
      { kind: 'volume', volume: 'postgres-data', target: dataPath, readOnly: false },
      { kind: 'memory', target: '/var/run/postgresql', bytes: 1024 ** 2 },
      { kind: 'memory', target: '/tmp', bytes: 64 * 1024 ** 2 },
    ],
    dataPaths: [dataPath],
    healthcheck: {
      test: ['sh', '-c', probe],
      interval: 2,
      timeout: 5,
      retries: 15,
      startPeriod: 60,
    },
    security: hardened(making, '999:999'),
    stopGrace: 60,
  });
}

/** The server listens here only once its first start is complete, which is noted on the volume. */
const probe =
  'pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" && { [ -e "$PGDATA/.portiere-ready" ] || : >"$PGDATA/.portiere-ready" || :; }';

/**
 * The image makes the cluster at its first start and takes any data folder for a whole one afterwards: killed halfway,
 * it would never start again, or without its database. What no first start completed is made anew, unless it holds a
 * single table of somebody's (their files are numbered from 16384), so that no data can be lost.
 */
const wholeFirstStart = [
  'halfway() {',
  '[ -n "$PGDATA" ] && [ ! -e "$PGDATA/.portiere-ready" ] || return 1;',
  '[ -e "$PGDATA/PG_VERSION" ] || [ -d "$PGDATA/pg_wal" ] || return 1;',
  'for file in "$PGDATA"/base/*/* "$PGDATA"/pg_tblspc/*; do',
  'number="${file##*/}"; number="${number%%[!0-9]*}"; [ "${number:-0}" -lt 16384 ] || return 1;',
  'done; };',
  'if halfway; then echo "the first start of this database was cut short: it is made anew" >&2;',
  'rm -rf -- "$PGDATA"/* "$PGDATA"/.[!.]*; fi;',
  'exec docker-entrypoint.sh "$@"',
].join(' ');

/** A throwaway database need not survive a power cut. */
const forgetful = ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'];

/** Where an image of this name keeps its data: `/var/lib/postgresql/data` up to version 17, its parent after. */
export function dataPathOf(reference: string): string {
  const major = Number(/(?:^|\/)postgres:(\d{1,3})(?=[.@-]|$)/.exec(reference)?.[1] ?? '0');
  return major >= 18 ? '/var/lib/postgresql' : '/var/lib/postgresql/data';
}
