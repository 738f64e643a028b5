import { hasCode } from '../../errors.ts';

/** Milliseconds that one search waits for a server; what else was found answers alone then. */
export const searchPatience = 1_000;
/** Milliseconds for which a server that failed is not asked, so that not every search waits for it. */
const rest = 1_000;

/**
 * Asks a server; one that failed is left alone for a while, and its failure given again. One that refused a question
 * is well. `elapsed` in milliseconds.
 */
export function restAfterFailure(
  elapsed: () => number,
): <Answer>(ask: () => Promise<Answer>) => Promise<Answer> {
  let restUntil = Number.NEGATIVE_INFINITY;
  let reason: unknown;
  return async (ask) => {
    if (elapsed() < restUntil) throw reason;
    try {
      return await ask();
    } catch (error) {
      const isWell = hasCode(error, 'SEARCH_ENGINE_REFUSED');
      if (!isWell) restUntil = elapsed() + rest;
      reason = error;
      throw error;
    }
  };
}
