import { PortiereError } from '../errors.ts';

/** Codes of gRPC that say that nobody is there in time, and that somebody does not know us. */
const away = new Set([1, 4, 8, 14]);
const denied = new Set([7, 16]);

/** What the client threw, in our words. */
export function thrownFault(error: unknown, url: string): PortiereError {
  if (error instanceof PortiereError) return error;
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string };
  const where = `Milvus at ${url}`;
  if (typeof code === 'number' && denied.has(code)) return unknownUser(where);
  if (code === 4) return late(where);
  // Its own words: a search is refused by status, not by what is thrown.
  const told = message.replace(/^\d+ \w+: /, '').split(' Resolution note')[0] ?? '';
  if (typeof code === 'number' && away.has(code)) {
    return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} is not reachable: ${told}`, {
      hint: 'Check MILVUS_URL (http:// or https://, the port of gRPC) with: portiere config show',
    });
  }
  return new PortiereError('SEARCH_ENGINE_REFUSED', `${where} refuses the request (${String(code)}).`, {
    hint: 'Its log says why; supported is Milvus 2.3 and later.',
    cause: error,
  });
}

/** A status that is not success; `reason` is left out where it may quote a search. */
export function refused(url: string, what: string, reason: string | undefined): PortiereError {
  if (/auth|permission|privilege/i.test(reason ?? '')) return unknownUser(`Milvus at ${url}`);
  if (/context (?:done|deadline|canceled)|time ?out|not (?:ready|healthy|available)/i.test(reason ?? ''))
    return late(`Milvus at ${url}`);
  const because = reason === undefined ? '' : `: ${reason.slice(0, 300)}`;
  return new PortiereError('SEARCH_ENGINE_REFUSED', `Milvus at ${url} refuses to ${what}${because}.`, {
    hint: 'Where a collection is missing, load it with: portiere index ensure; else see its log.',
  });
}

function late(where: string): PortiereError {
  return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} does not answer in time.`, {
    hint: 'See that it is up, done with starting and not overloaded; its own health: http://HOST:9091/healthz',
  });
}

function unknownUser(where: string): PortiereError {
  return new PortiereError('SEARCH_ENGINE_DENIED', `${where} does not let us in, or not do this.`, {
    hint: 'Set MILVUS_TOKEN to user:password, or to an API key, of one who may create, load, search and drop collections.',
  });
}
