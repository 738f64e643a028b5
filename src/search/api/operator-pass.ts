import { createHmac, timingSafeEqual } from 'node:crypto';

/** Carries the pass; it never leaves the container that makes it. */
export const passHeader = 'x-portiere-pass';

/** Milliseconds that a pass is good for. */
const lifetime = 60_000;

/**
 * Lets a command of ours that runs beside the API ask it without a key of its own: `<time>.<HMAC-SHA-256>` by
 * API_KEY_SALT. Who has the salt could make himself a key as well.
 */
export function operatorPass(salt: string, now: number): string {
  return `${now}.${sign(salt, String(now)).toString('hex')}`;
}

/** Whether a pass was made with this salt within the last minute. */
export function isOperatorPass(salt: string, text: string, now: number): boolean {
  const [, time, hex] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(text) ?? [];
  if (salt === '' || time === undefined || hex === undefined) return false;
  const fits = timingSafeEqual(Buffer.from(hex, 'hex'), sign(salt, time));
  return fits && Math.abs(now - Number(time)) <= lifetime;
}

function sign(salt: string, time: string): Buffer {
  return createHmac('sha256', salt).update(`portiere operator pass ${time}`).digest();
}
