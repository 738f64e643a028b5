import { stackEnvironments } from '../base-environment.ts';
import { boolean, choice, host, integer, list, port, secretText } from './kind.ts';
import type { SettingRows } from './setting.ts';

const everywhere = ['embedded', ...stackEnvironments] as const;

export const apiSettings = {
  API_HOST: {
    section: 'API',
    kind: host,
    default: '127.0.0.1',
    defaults: { dev: '0.0.0.0', test: '0.0.0.0', prod: '0.0.0.0' },
    help: 'Address the search API listens on.',
  },
  API_PORT: {
    section: 'API',
    kind: port,
    default: '8000',
    help: 'Port the search API listens on.',
  },
  JWT_SECRET: {
    section: 'API',
    kind: secretText,
    secret: true,
    generatedIn: everywhere,
    requiredIn: stackEnvironments,
    help: 'Secret key for JWT token signing, at least 32 bytes.',
  },
  API_KEY_SALT: {
    section: 'API',
    kind: secretText,
    secret: true,
    generatedIn: everywhere,
    requiredIn: stackEnvironments,
    help: 'Salt for API key hashing, at least 32 bytes.',
  },
  CORS_ORIGINS: {
    section: 'API',
    kind: list(/^(?:\*|https?:\/\/[\w.:[\]-]+)$/u, 'an origin such as https://app.example.org'),
    default: '*',
    defaults: { embedded: '', prod: null },
    requiredIn: ['prod'],
    mayBeBlank: true,
    help: 'Allowed CORS origins (comma-separated; blank: none); prod refuses *.',
  },
  RATE_LIMIT_PER_MINUTE: {
    section: 'API',
    kind: integer(1, 1_000_000),
    default: '60',
    defaults: { embedded: '6000' },
    help: 'API rate limit per API key per minute.',
  },
  LOG_LEVEL: {
    section: 'API',
    kind: choice(['DEBUG', 'INFO', 'WARNING', 'ERROR']),
    default: 'INFO',
    help: 'Application log level.',
  },
  READINESS_STRICT: {
    section: 'API',
    kind: boolean,
    default: 'false',
    help: 'Whether /health/ready also answers 503 when only Redis is down.',
  },
} as const satisfies SettingRows;
