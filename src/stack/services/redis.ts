import { defaultImages } from '../defaults.ts';
import type { Service } from '../model.ts';
import { dataNetworks, dataPorts, hardened, imageOf, type Making, secret, service } from '../service.ts';

/** Redis; its password lies in a configuration file, since its command line and environment can be read. */
export function redis(making: Making): Service {
  const hasPassword = making.config.settings.REDIS_PASSWORD !== undefined;
  return service(making, 'redis', {
    image: imageOf(making, 'redis', { standard: defaultImages.redis }),
    command: ['redis-server', '/run/secrets/redis.conf'],
    secrets: [secret('redis.conf'), ...(hasPassword ? [secret('REDIS_PASSWORD')] : [])],
    networks: dataNetworks(making),
    ports: dataPorts(making, 6379),
    mounts: [
      { kind: 'volume', volume: 'redis-data', target: '/data', readOnly: false },
      { kind: 'memory', target: '/tmp', bytes: 16 * 1024 ** 2 },
    ],
    dataPaths: ['/data'],
    healthcheck: {
      test: hasPassword
        ? ['sh', '-c', 'REDISCLI_AUTH="$(cat /run/secrets/REDIS_PASSWORD)" redis-cli ping | grep -q PONG']
        : ['sh', '-c', 'redis-cli ping | grep -q PONG'],
      interval: 2,
      timeout: 3,
      retries: 10,
      startPeriod: 30,
    },
    security: hardened(making, '999:999'),
  });
}

/** `redis.conf`: the append-only file on, and the password where there is one. */
export function redisConfiguration(password: string | undefined, maximumBytes: number): string {
  return [
    'bind * -::*',
    'protected-mode no',
    'dir /data',
    'appendonly yes',
    `maxmemory ${Math.floor(maximumBytes * 0.75)}`,
    'maxmemory-policy noeviction',
    ...(password === undefined ? [] : [`requirepass ${quoted(password)}`]),
    '',
  ].join('\n');
}

/** Redis reads C escapes in double quotes. */
function quoted(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  return `"${bytes.map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join('')}"`;
}

function isPlain(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
}
