/** What a client that keeps its pace, whatever is answered, met; latencies in milliseconds, from when each was due. */
export interface LoadReport {
  readonly sent: number;
  readonly failed: readonly string[];
  readonly empty: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

type Search = (query: string) => Promise<{ readonly status: number; readonly hits: number }>;

/** Searches over HTTP, each query another one so that nothing is remembered. */
export function searchOver(url: string): Search {
  return async (query) => {
    const answer = await fetch(`${url}/v1/search?q=${encodeURIComponent(query)}`, {
      signal: AbortSignal.timeout(30_000),
    });
    const body = (await answer.json()) as { hits?: unknown[] };
    return { status: answer.status, hits: body.hits?.length ?? 0 };
  };
}

/** The most searches a second that `clients`, each waiting for its answer, get out of it. */
export async function closedLoopRate(
  search: Search,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let answered = 0;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let at = 0; performance.now() < end; at += 1) {
        await search(queryOf(client * 10_000 + at));
        answered += 1;
      }
    }),
  );
  return answered / seconds;
}

/** Sends `rate` searches a second until `work` ends, at least for `seconds`. */
export async function openLoop(
  search: Search,
  {
    rate,
    seconds,
    work,
  }: { readonly rate: number; readonly seconds: number; readonly work: () => Promise<void> },
): Promise<LoadReport> {
  const latencies: number[] = [];
  const failed: string[] = [];
  let empty = 0;
  let sent = 0;
  let working = true;
  const start = performance.now();
  const done = work().finally(() => {
    working = false;
  });
  const under = new Set<Promise<void>>();
  while (stillToSend()) {
    const due = start + (sent * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    const one = search(queryOf(sent))
      .then(({ status, hits }) => {
        if (status !== 200) failed.push(`status ${status}`);
        else if (hits === 0) empty += 1;
      })
      .catch((error: unknown) => {
        failed.push(String(error));
      })
      .finally(() => {
        latencies.push(performance.now() - due);
        under.delete(one);
      });
    under.add(one);
    sent += 1;
  }
  await done;
  await Promise.all(under);
  const sorted = latencies.toSorted((one, other) => one - other);
  const quantile = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { sent, failed, empty, p50: quantile(0.5), p99: quantile(0.99), worst: sorted.at(-1) ?? 0 };

  function stillToSend(): boolean {
    return working || performance.now() - start < seconds * 1000;
  }
}

const words = 'acute,chronic,left,right,of,with,without,unspecified,primary,tablet'.split(',');

function queryOf(at: number): string {
  return `${words[at % words.length] ?? ''} ${words[(at * 7 + 3) % words.length] ?? ''} ${at % 997}`;
}
