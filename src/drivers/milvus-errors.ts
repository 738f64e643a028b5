import { PortiereError } from '../errors.ts';

/** Codes of gRPC that say that nobody is there in time, and that somebody does not know us. */
const away = new Set([1, 4, 8, 14]);
const denied = new Set([7, 16]);
/** Words of Milvus for what passes by itself; a collection that is `not loaded` stays so. */
const passing =
  /context (?:done|deadline|canceled)|time ?out|not (?:ready|healthy|available|fully loaded)|unavailable|\bloading\b|recovering|limit exceeded/i;

/** A call that failed. */
export interface Failed {
  readonly url: string;
  /** What it was to do. */
  readonly what: string;
  /** Whether Milvus may quote what was searched for, so that its own words are left out. */
  readonly quiet: boolean;
}

/** What the client threw, in our words. */
export function thrownFault(error: unknown, failed: Failed): PortiereError {
  if (error instanceof PortiereError) return error;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  // The client throws statuses also, as they are or as words.
  if (typeof code !== 'number') return refused(reasonOf(error), failed, error);
  const where = `Milvus at ${failed.url}`;
  if (denied.has(code)) return unknownUser(where);
  if (code === 4) return late(where);
  if (away.has(code)) {
    // Its own words: a search is refused by status, not by what is thrown.
    const told = String(message)
      .replace(/^\d+ \w+: /, '')
      .split(' Resolution note')[0];
    return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} is not reachable: ${told ?? ''}`, {
      hint: 'Check MILVUS_URL (http:// or https://, the port of gRPC) with: portiere config show',
    });
  }
  return new PortiereError('SEARCH_ENGINE_REFUSED', `${where} refuses to ${failed.what} (${code}).`, {
    hint: 'Its log says why; supported is Milvus 2.3 and later.',
    ...(failed.quiet ? {} : { cause: error }),
  });
}

/** A call that was answered with a `reason` in place of success. */
export function refused(reason: string, { url, what, quiet }: Failed, cause?: unknown): PortiereError {
  const where = `Milvus at ${url}`;
  if (/auth|permission|privilege/i.test(reason)) return unknownUser(where);
  const because = quiet || reason === '' ? '' : `: ${reason.slice(0, 300)}`;
  if (passing.test(reason)) return late(where, because);
  return new PortiereError('SEARCH_ENGINE_REFUSED', `${where} refuses to ${what}${because}.`, {
    hint: 'Where a collection is missing, load it with: portiere index ensure; else see its log.',
    ...(quiet || cause === undefined ? {} : { cause }),
  });
}

function reasonOf(error: unknown): string {
  const { status, message } = error as {
    readonly status?: { readonly reason?: string };
    readonly message?: unknown;
  };
  const told = status?.reason ?? (typeof message === 'string' ? message : '');
  return told.replace(/^ErrorCode: \w+\. Reason: /, '');
}

function late(where: string, because = ''): PortiereError {
  return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} does not answer in time${because}.`, {
    hint: 'See that it is up, done with starting and not overloaded; its own health: http://HOST:9091/healthz',
  });
}

function unknownUser(where: string): PortiereError {
  return new PortiereError('SEARCH_ENGINE_DENIED', `${where} does not let us in, or not do this.`, {
    hint: 'Set MILVUS_TOKEN to user:password, or to an API key, of one who may create, load, search and drop collections.',
  });
}
