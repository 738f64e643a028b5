import type { Embedder } from '../embed/embedder.ts';
import { search } from '../hybrid/search.ts';
import type { OpenBuild } from '../index/open.ts';
import { depth } from './ranks.ts';
import { type Arm, arms, type Latency } from './report.ts';

const requests = 300;
const warming = 20;

/**
 * Times each arm and the search of ten hits, one request in flight, after requests that do not count. The arms take
 * turns, so what else the machine does falls on all alike.
 */
export async function measureLatency(
  build: OpenBuild,
  embedder: Embedder,
  texts: readonly string[],
  onDone: (done: number, total: number) => void,
): Promise<Latency[]> {
  const ask: Readonly<Record<Arm, (q: string) => Promise<unknown>>> = {
    bm25: async (q) => await build.words.byWords({ q, k: depth, filters: {}, allowed: undefined }),
    dense: async (q) => await build.dense.search(await embedder.embed([q]), depth * 2),
    hybrid: async (q) => await search(build, embedder, { q, filters: {}, limit: 10 }),
  };
  const every = Math.max(1, Math.floor(texts.length / requests));
  const chosen = texts.filter((_, index) => index % every === 0).slice(0, requests);
  const taken: Record<Arm, number[]> = { bm25: [], dense: [], hybrid: [] };
  for (let turn = 0; turn < warming; turn += 1) {
    for (const arm of arms) await ask[arm](chosen[turn % chosen.length] ?? '');
  }
  for (const [turn, q] of chosen.entries()) {
    for (const arm of arms) {
      const start = performance.now();
      await ask[arm](q);
      taken[arm].push(performance.now() - start);
    }
    onDone(turn + 1, chosen.length);
    // Arms that answer at once would keep a signal from being heard.
    if (turn % 20 === 0) await new Promise(setImmediate);
  }
  return arms.map((arm) => ({ arm, requests: chosen.length, ...quantiles(taken[arm]) }));
}

function quantiles(times: readonly number[]): Pick<Latency, 'p50' | 'p95' | 'p99'> {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    Number((sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0).toFixed(3));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
