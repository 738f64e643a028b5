import { connect } from 'node:tls';

import type { Answered, Call } from './elasticsearch-call.ts';
import { type EngineFault, majors } from './elasticsearch-errors.ts';

/** What a server says of itself. */
export interface Greeting {
  /** `unknown` where the user may not ask for it. */
  readonly version: string;
  /** The form of requests that it understands. */
  readonly form: number;
}

interface Parts {
  readonly url: string;
  /** Performs a call in the form that servers of every version understand. */
  readonly plainly: <Answer>(call: Call) => Promise<Answered<Answer>>;
}

const knock: Call = { method: 'GET', path: '/', retries: 1 };

/** Asks a server for its version, once; a server that is not there now is asked again by the next call. */
export function greeter({ url, plainly }: Parts): {
  greet(timeout: number): Promise<Answered<Greeting>>;
  forget(): void;
} {
  let known: Promise<Answered<Greeting>> | undefined;
  return {
    async greet(timeout) {
      known ??= greeting({ url, plainly }, timeout);
      const asked = known;
      const answered = await asked;
      if ('fault' in answered && known === asked) known = undefined;
      return answered;
    },
    forget() {
      known = undefined;
    },
  };
}

async function greeting({ url, plainly }: Parts, timeout: number): Promise<Answered<Greeting>> {
  const answered = await plainly<{ readonly version?: { readonly number?: string } }>({ ...knock, timeout });
  if ('fault' in answered) {
    const { fault } = answered;
    // A key that may only search is not told the version; both understand the older form.
    if (fault.kind === 'refused' && fault.status === 403)
      return { body: { version: 'unknown', form: majors.oldest } };
    return { fault: await closerLook(fault, url, timeout) };
  }
  const version = answered.body.version?.number ?? '';
  const major = Number.parseInt(version, 10);
  if (Number.isNaN(major)) return { fault: { kind: 'stranger' } };
  if (major < majors.oldest || major > majors.newest) return { fault: { kind: 'version', version } };
  return { body: { version, form: major } };
}

/** A server that hangs up on plain HTTP may be one that speaks TLS: a handshake tells. */
async function closerLook(fault: EngineFault, url: string, timeout: number): Promise<EngineFault> {
  const isPlain = url.startsWith('http:');
  if (fault.kind === 'refused' && fault.status === 400 && isPlain && /HTTPS port/i.test(fault.reason))
    return { kind: 'tls only' };
  const mayBe =
    fault.kind === 'silent' || (fault.kind === 'broken' && !/ECONNREFUSED|ENOTFOUND/.test(fault.reason));
  return isPlain && mayBe && (await speaksTls(new URL(url), Math.min(timeout, 2_000)))
    ? { kind: 'tls only' }
    : fault;
}

async function speaksTls({ hostname, port }: URL, timeout: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const host = hostname.replaceAll(/^\[|\]$/g, '');
    // Whom it belongs to does not matter here: nothing is said to it.
    const socket = connect({ host, port: Number(port) || 80, rejectUnauthorized: false });
    const end = (speaks: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(speaks);
    };
    const timer = setTimeout(end, timeout, false);
    socket.once('secureConnect', () => {
      end(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // It asks for a certificate of ours, or fails in some other way that only TLS knows.
      end(/alert/i.test(error.message));
    });
    socket.once('close', () => {
      end(false);
    });
  });
}
