import type { Outcome } from '../../src/ports.ts';
import type { World } from '../support/ports.ts';

/** The note of a server with pid 7 that answers at port 8000. */
const serverNote = JSON.stringify({
  pid: 7,
  started: '1@boot',
  url: 'http://127.0.0.1:8000',
  version: '1.2.3',
  since: '2026-01-02T03:00:00.000Z',
  fingerprint: 'other',
});

const component = (name: string) => ({ name, state: 'ok', latency_ms: 1.25 });

/** An embedded environment whose server runs and is ready; nothing is published. */
export const running: World = {
  files: {
    '.portiere/embedded/server.json': serverNote,
    '.portiere/embedded/server.log': 'one\ntwo\nthree\n',
  },
  running: [7],
  http: {
    '/health/ready': {
      status: 200,
      body: { status: 'ok', build: null, components: ['postgres', 'lexical', 'dense'].map(component) },
    },
  },
};

/** What a person reads, all blocks in one text. */
export function viewed({ view }: Outcome): string {
  return view
    .map((block) =>
      typeof block === 'string'
        ? block
        : [block.header, ...block.rows].map((row) => row.join(' | ')).join('\n'),
    )
    .join('\n');
}
