import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { hashSecret, readApiKey } from './api-key.ts';
import type { StoredKey } from './key-store.ts';
import { isOperatorPass, passHeader } from './operator-pass.ts';
import { Problem } from './problem.ts';

/** Lets in requests that carry a valid key. */
export interface KeyGate {
  /** The key's id; throws 401, the same for whatever is wrong with a key, or 503 where it cannot be checked. */
  check(headers: IncomingHttpHeaders): Promise<string>;
}

export interface GateParts {
  readonly environment: string;
  /** API_KEY_SALT. */
  readonly salt: string;
  /** Rejects where the database does not answer. */
  readonly find: (id: string) => Promise<StoredKey>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Known {
  readonly id: string;
  readonly expiresAt: number;
  freshUntil: number;
  asking: Promise<void> | undefined;
}

/** Milliseconds for which a valid key is not looked up again: a revoked one is let in no longer than that. */
const timeToLive = 5_000;
/** Milliseconds for which a known key goes on without a look where the database does not answer. */
const graceStep = 1_000;
const mostKnown = 10_000;
/** Milliseconds after which a guess is refused: the few microseconds in which the database tells ids apart drown. */
const refusalAfter = 5;

/**
 * Checks keys of one environment. Only keys that were found valid are remembered, by a digest of the whole text, so
 * a guess costs a look-up and an HMAC whether its id is known or not. Without the database, remembered keys go on.
 */
export function keyGate({ environment, salt, find, now }: GateParts): KeyGate {
  const remembered = new Map<string, Known>();

  /** When the key expires; undefined where it is not valid. */
  const validate = async (id: string, secret: string): Promise<number | undefined> => {
    const { known, hash, scopes, expiresAt, revoked } = await find(id);
    const own = hashSecret(salt, secret);
    const same = timingSafeEqual(own, hash.length === own.length ? hash : noHash);
    return known && same && !revoked && expiresAt > now() && scopes.includes('search')
      ? expiresAt
      : undefined;
  };

  const renew = async (digest: string, known: Known, secret: string): Promise<void> => {
    try {
      const expiresAt = await validate(known.id, secret);
      if (expiresAt === undefined) remembered.delete(digest);
      else
        remembered.set(digest, {
          id: known.id,
          expiresAt,
          freshUntil: now() + timeToLive,
          asking: undefined,
        });
    } catch {
      known.freshUntil = now() + graceStep;
      known.asking = undefined;
    }
  };

  return {
    async check(headers) {
      const pass = headers[passHeader];
      if (typeof pass === 'string' && isOperatorPass(salt, pass, now())) return 'operator';
      const text = given(headers);
      const key = text === undefined ? undefined : readApiKey(text);
      if (text === undefined || key?.environment !== environment) throw refusal();
      const digest = createHash('sha256').update(text).digest('base64');
      const known = remembered.get(digest);
      if (known !== undefined) {
        if (known.freshUntil <= now()) await (known.asking ??= renew(digest, known, key.secret));
        const still = remembered.get(digest);
        if (still === undefined || still.expiresAt <= now()) throw refusal();
        return still.id;
      }
      const answered = new Promise((resolve) => {
        setTimeout(resolve, refusalAfter);
      });
      const expiresAt = await validate(key.id, key.secret).catch(() => {
        throw new Problem(503, 'keys_unavailable', 'Keys cannot be checked at the moment.', {
          'retry-after': '1',
        });
      });
      if (expiresAt === undefined) {
        await answered;
        throw refusal();
      }
      if (remembered.size >= mostKnown) remembered.delete(remembered.keys().next().value ?? '');
      remembered.set(digest, { id: key.id, expiresAt, freshUntil: now() + timeToLive, asking: undefined });
      return key.id;
    },
  };
}

const noHash = Buffer.alloc(32);

/** Never from the query string, which logs and browsers keep. */
function given(headers: IncomingHttpHeaders): string | undefined {
  const { authorization, 'x-api-key': own } = headers;
  // Another scheme in front, such as a proxy's own, does not hide a key beside it.
  const bearer = authorization === undefined ? undefined : /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  return bearer ?? (typeof own === 'string' ? own : undefined);
}

function refusal(): Problem {
  return new Problem(
    401,
    'no_valid_key',
    'This needs a valid API key, as `authorization: Bearer` or `x-api-key`.',
    {
      'www-authenticate': 'Bearer realm="portiere"',
    },
  );
}
