import { PortiereError } from '../errors.ts';
import type { Http } from '../ports.ts';

/** HTTP through the built-in fetch, every call with a deadline. */
export const http: Http = {
  async get(url, timeout, headers = {}) {
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        signal: AbortSignal.timeout(timeout),
        redirect: 'manual',
        headers: { ...headers },
      });
      text = await response.text();
    } catch (error) {
      throw new PortiereError('SERVER_UNREACHABLE', `Nothing answers at ${url} within ${timeout} ms.`, {
        hint: 'Run `portiere health` to see what is down, `portiere up` to start it.',
        cause: error,
      });
    }
    return { status: response.status, body: parse(text) };
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
