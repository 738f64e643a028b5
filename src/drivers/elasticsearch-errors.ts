import { PortiereError } from '../errors.ts';

/** How a call to the search engine failed. */
export type EngineFault =
  | { readonly kind: 'refused'; readonly status: number; readonly type: string; readonly reason: string }
  /** No answer in time. */
  | { readonly kind: 'silent' }
  /** Something answers that is not Elasticsearch, or one before 7.14, which does not say what it is. */
  | { readonly kind: 'stranger' }
  /** It speaks TLS and was spoken to without. */
  | { readonly kind: 'tls only' }
  /** It refuses the login that it accepted before: a server that has just started knows nobody for a while. */
  | { readonly kind: 'forgot' }
  /** Its version is none that we speak to. */
  | { readonly kind: 'version'; readonly version: string }
  /** No connection, or one that broke. */
  | { readonly kind: 'broken'; readonly reason: string };

/** Whom we speak to, and how. */
export interface EngineAddress {
  readonly url: string;
  readonly login: 'nothing' | 'password' | 'API key';
  readonly caFile: string | undefined;
}

/** The versions that are spoken to. */
export const majors = { oldest: 8, newest: 9 } as const;

/** What Elasticsearch says where a disk is too full to write. */
export const floodStage = /flood-stage|read-only-allow-delete/;

/** Whether the same may well be answered a moment later. */
export function isPassing(fault: EngineFault): boolean {
  if (fault.kind === 'refused') return [408, 429, 500, 502, 503, 504].includes(fault.status);
  return ['silent', 'broken', 'forgot'].includes(fault.kind);
}

const check = 'Check ELASTICSEARCH_URL with: portiere config show';

/** The fault in our words, with what to do about it; never with the text of a query. */
export function engineError(fault: EngineFault, address: EngineAddress): PortiereError {
  const { url } = address;
  const where = `Elasticsearch at ${url}`;
  switch (fault.kind) {
    case 'silent':
      return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} does not answer in time.`, {
        hint: 'See what is down with: portiere health',
      });
    case 'stranger':
      return new PortiereError(
        'SEARCH_ENGINE_UNREACHABLE',
        `What answers at ${url} is not Elasticsearch ${majors.oldest} or ${majors.newest}.`,
        {
          hint: check,
        },
      );
    case 'tls only':
      return new PortiereError('SEARCH_ENGINE_UNREACHABLE', `${where} speaks TLS, not plain HTTP.`, {
        hint: `Set ELASTICSEARCH_URL=${url.replace('http:', 'https:')}, and ELASTICSEARCH_CA_FILE where its certificate is its own.`,
      });
    case 'forgot':
      return new PortiereError(
        'SEARCH_ENGINE_UNREACHABLE',
        `${where} refuses the ${address.login} that it accepted before (401): it is starting, or that was changed.`,
        { hint: 'Run the same command again in a minute.' },
      );
    case 'version':
      return otherVersion(fault.version, where);
    case 'broken':
      return broken(fault.reason, address);
    default:
      return refused(fault, address);
  }
}

function otherVersion(version: string, where: string): PortiereError {
  const supported = `${majors.oldest} and ${majors.newest}`;
  const isOlder = Number.parseInt(version, 10) < majors.oldest;
  return new PortiereError(
    'SEARCH_ENGINE_REFUSED',
    `${where} is version ${version}; supported are ${supported}.`,
    {
      hint: isOlder
        ? `Upgrade the server to ${majors.newest}, or point ELASTICSEARCH_URL to one that is.`
        : 'Update portiere to a version that knows it, or point ELASTICSEARCH_URL to an older server.',
    },
  );
}

function broken(reason: string, { url, caFile }: EngineAddress): PortiereError {
  const where = `Elasticsearch at ${url}`;
  const unreachable = (message: string, hint: string): PortiereError =>
    new PortiereError('SEARCH_ENGINE_UNREACHABLE', message, { hint });
  if (url.startsWith('https:') && /wrong version number|packet length too long|EPROTO/i.test(reason)) {
    return unreachable(
      `${where} speaks plain HTTP, not TLS.`,
      `Set ELASTICSEARCH_URL=${url.replace('https:', 'http:')}, or turn on TLS in the server.`,
    );
  }
  if (/certificate|self.signed|altnames|unable to (?:get|verify)/i.test(reason)) {
    const hint = /altnames/i.test(reason)
      ? 'Name the server in ELASTICSEARCH_URL as its certificate does.'
      : /expired|not yet valid/i.test(reason)
        ? 'Renew the certificate of the server, and check the clocks.'
        : caFile === undefined
          ? 'Set ELASTICSEARCH_CA_FILE to the PEM file of the authority that signed it (Elasticsearch keeps its own in config/certs/http_ca.crt).'
          : `The authority in ELASTICSEARCH_CA_FILE (${caFile}) did not sign it: name the right one.`;
    return unreachable(`The certificate of ${where} is not trusted: ${reason}.`, hint);
  }
  return unreachable(`${where} is not reachable: ${reason}.`, check);
}

function refused(
  { status, type, reason }: EngineFault & { kind: 'refused' },
  address: EngineAddress,
): PortiereError {
  const where = `Elasticsearch at ${address.url}`;
  if (status === 401) return unknownUser(where, address);
  if (floodStage.test(reason)) return diskFull(where, reason);
  if (status === 403) {
    return new PortiereError('SEARCH_ENGINE_DENIED', `${where} does not allow this (403 ${type}).`, {
      hint: `Its ${address.login === 'API key' ? 'API key' : 'user'} needs the cluster right monitor and, on the indices concepts-* and the alias concepts (or as ELASTICSEARCH_INDEX names them), the rights read, write, create_index and manage.`,
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

/** `told` says what is known of the disk. */
export function diskFull(where: string, told: string): PortiereError {
  return new PortiereError('DISK_FULL', `${where} has blocked writing, its disk is too full: ${told}`, {
    hint: 'Free some space on its disk; it lifts the block by itself; then run the same command again: a load goes on where it stopped.',
  });
}

function unknownUser(where: string, { login }: EngineAddress): PortiereError {
  if (login === 'nothing') {
    return new PortiereError('SEARCH_ENGINE_DENIED', `${where} asks who we are (401).`, {
      hint: 'Set ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTIC_PASSWORD.',
    });
  }
  return new PortiereError(
    'SEARCH_ENGINE_DENIED',
    `${where} refuses the ${login === 'API key' ? login : 'user or password'} (401).`,
    {
      hint:
        login === 'API key'
          ? 'Set ELASTICSEARCH_API_KEY to a key of this server, in its encoded form, that has not expired.'
          : 'Set ELASTIC_PASSWORD to the password of ELASTICSEARCH_USERNAME; that of elastic is the one the server was first started with.',
    },
  );
}
