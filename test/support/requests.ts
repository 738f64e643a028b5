import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request, type RequestOptions } from 'node:https';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** GET at a port of this machine's loopback by a host name of its own, trusting one certificate authority. */
export async function askHttps(
  host: string,
  path: string,
  {
    port,
    ca,
    ...options
  }: Omit<RequestOptions, 'port' | 'ca'> & { readonly port: number; readonly ca: string },
): Promise<Reply> {
  const own = { host: '127.0.0.1', port, servername: host, ca: readFileSync(ca), path };
  const headers = { host, ...(options.headers as Record<string, string> | undefined) };
  return await reply((done) => request({ ...own, ...options, headers, agent: false }, done));
}

/** The same without TLS. */
export async function askHttp(host: string, path: string, port: number): Promise<Reply> {
  return await reply((done) =>
    plainRequest({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, done),
  );
}

async function reply(send: (done: (answer: IncomingMessage) => void) => ClientRequest): Promise<Reply> {
  return await new Promise((resolve, reject) => {
    const sent = send((answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => (body += text));
      answer.once('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
      });
      answer.once('error', reject);
    });
    sent.setTimeout(15_000, () => sent.destroy(new Error('no answer within 15 s')));
    sent.once('error', reject);
    sent.end();
  });
}
