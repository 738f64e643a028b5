import { PortiereError } from '../errors.ts';

/** How a call to the search engine failed. */
export type EngineFault =
  | { readonly kind: 'refused'; readonly status: number; readonly type: string; readonly reason: string }
  /** No answer in time. */
  | { readonly kind: 'silent' }
  /** Something answers that is not Elasticsearch. */
  | { readonly kind: 'stranger' }
  /** No connection, or one that broke. */
  | { readonly kind: 'broken'; readonly reason: string };

const check = 'Check ELASTICSEARCH_URL and ELASTIC_PASSWORD with: portiere config show';

/** The fault in our words, with what to do about it; never with the text of a query. */
export function engineError(fault: EngineFault, url: string): PortiereError {
  const where = `Elasticsearch at ${url}`;
  if (fault.kind === 'silent') {
    return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} does not answer in time.`, {
      hint: 'See what is down with: portiere health',
    });
  }
  if (fault.kind === 'stranger') {
    return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `What answers at ${url} is not Elasticsearch.`, {
      hint: check,
    });
  }
  return fault.kind === 'broken' ? broken(fault.reason, url) : refused(fault, where);
}

function broken(reason: string, url: string): PortiereError {
  const where = `Elasticsearch at ${url}`;
  if (url.startsWith('https:') && /wrong version number|packet length too long|EPROTO/i.test(reason)) {
    return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} speaks plain HTTP, not TLS.`, {
      hint: `Set ELASTICSEARCH_URL=${url.replace('https:', 'http:')}, or turn on TLS in the server.`,
    });
  }
  if (/certificate|self.signed|altnames/i.test(reason)) {
    return new PortiereError(
      'SEARCH_ENGINE_UNREACHABLE',
      `The certificate of ${where} is not trusted: ${reason}.`,
      {
        hint: 'Name the authority that signed it (a PEM file) in NODE_EXTRA_CA_CERTS, and the host as in the certificate.',
      },
    );
  }
  const closed = /socket hang up|other side closed|ECONNRESET|HPE_|Parse Error/i.test(reason);
  return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} is not reachable: ${reason}.`, {
    hint:
      closed && url.startsWith('http:')
        ? `It closes the connection: where it speaks TLS, set ELASTICSEARCH_URL=${url.replace('http:', 'https:')}`
        : check,
  });
}

function refused({ status, type, reason }: EngineFault & { kind: 'refused' }, where: string): PortiereError {
  if (status === 401) {
    return new PortiereError('SEARCH_ENGINE_DENIED', `${where} refuses the user or password (401).`, {
      hint: 'Set ELASTIC_PASSWORD to the password that the server was first started with.',
    });
  }
  if (/flood-stage|read-only-allow-delete/.test(reason)) {
    return new PortiereError('DISK_FULL', `${where} has blocked writing, its disk is too full: ${reason}`, {
      hint: 'Free some space on its disk; it lifts the block by itself; then run the same command again.',
    });
  }
  if (status === 403) {
    return new PortiereError('SEARCH_ENGINE_DENIED', `${where} does not allow this (403 ${type}).`, {
      hint: 'Its user needs the rights to create, write, read and alias the indices concepts-*.',
    });
  }
  if ([429, 502, 503, 504].includes(status)) {
    return new PortiereError(
      'SEARCH_ENGINE_UNREACHABLE',
      `${where} is overloaded or not ready (${status} ${type}).`,
      { hint: 'Run the same command again in a minute; see: portiere health' },
    );
  }
  if (type === 'index_not_found_exception') {
    return new PortiereError('SEARCH_ENGINE_REFUSED', `${where} does not have the index that is asked for.`, {
      hint: 'Load it with: portiere index ensure',
    });
  }
  return new PortiereError('SEARCH_ENGINE_REFUSED', `${where} refuses the request (${status} ${type}).`, {
    hint: 'Its log says why; supported are the versions 8 and 9.',
  });
}
