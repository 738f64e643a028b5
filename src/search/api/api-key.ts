import { createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A key as its holder writes it down: `prt_<environment>_<id>_<secret>_<crc>`, the last three in hex. */
export interface ApiKey {
  readonly environment: string;
  /** 12 digits; names the key in lists, logs and limits. */
  readonly id: string;
  /** 256 bits, which are stored nowhere. */
  readonly secret: string;
}

const idBytes = 6;
const secretBytes = 32;
const form = /^prt_([A-Za-z0-9][\w-]{0,63})_([0-9a-f]{12})_([0-9a-f]{64})_([0-9a-f]{8})$/;

/** A new random key of an environment. */
export function newApiKey(environment: string, random: (bytes: number) => Uint8Array): ApiKey {
  const hex = (bytes: number): string => Buffer.from(random(bytes)).toString('hex');
  return { environment, id: hex(idBytes), secret: hex(secretBytes) };
}

/** The text of a key; its checksum lets scanners of leaked secrets tell it from what only looks like one. */
export function writeApiKey({ environment, id, secret }: ApiKey): string {
  const body = `prt_${environment}_${id}_${secret}`;
  return `${body}_${checksum(body)}`;
}

/** A key from its text; undefined where it is not one. */
export function readApiKey(text: string): ApiKey | undefined {
  const [, environment, id, secret, crc] = form.exec(text) ?? [];
  if (environment === undefined || id === undefined || secret === undefined) return undefined;
  return checksum(text.slice(0, -9)) === crc ? { environment, id, secret } : undefined;
}

/** What is stored of a secret: HMAC-SHA-256 under API_KEY_SALT. A secret of 256 random bits needs no stretching. */
export function hashSecret(salt: string, secret: string): Buffer {
  return createHmac('sha256', salt).update(secret).digest();
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
