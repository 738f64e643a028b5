import type { CacheScript } from '../../ports/cache.ts';
import type { Taken } from './limiter.ts';

/**
 * A list of the times (microseconds, by the server's clock) at which the last `limit` requests were let through, oldest
 * first: a request passes where the one `limit` before it is older than the window. Constant time, whatever the limit.
 * Values: limit, window in microseconds. Answers: let through (1 or 0), how many more, seconds to wait, when.
 */
export const slidingWindow: CacheScript = {
  name: 'portiereSlidingWindow',
  lua: `
local key, limit, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local last = tonumber(redis.call('LINDEX', key, -1) or '0')
if last - now > window then redis.call('DEL', key) last = 0 end
if last > now then now = last end
for _ = 1, 16 do
  local first = tonumber(redis.call('LINDEX', key, 0) or now)
  if first > now - window then break end
  redis.call('LPOP', key)
end
local held = redis.call('LLEN', key)
local when = string.format('%.0f', now)
if held >= limit then
  local oldest = tonumber(redis.call('LINDEX', key, held - limit))
  if oldest > now - window then return {0, 0, math.ceil((oldest + window - now) / 1000000), when} end
end
redis.call('RPUSH', key, when)
redis.call('LTRIM', key, -limit, -1)
redis.call('PEXPIRE', key, math.ceil(window / 1000) + 1000)
return {1, math.max(0, limit - held - 1), 0, when}`,
};

/** The script's answer; throws on one of another form. */
export function takenFrom(answer: unknown): Taken {
  const [allowed, remaining, retryAfter] = Array.isArray(answer) ? (answer as unknown[]) : [];
  if (typeof remaining !== 'number' || typeof retryAfter !== 'number')
    throw new Error('the script of the rate limit answers in another form');
  return { allowed: allowed === 1, remaining, retryAfter };
}
