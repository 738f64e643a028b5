/** A part of the stack as it was probed. */
export interface ComponentHealth {
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'down';
  readonly latency_ms: number | null;
  readonly detail: string;
}

/** What was seen of an embedded environment, before anything is judged. */
export interface Observation {
  /** The server's note: null where none was started. */
  readonly server: { readonly pid: number; readonly alive: boolean; readonly url: string } | null;
  /** `/health/ready`, or why it did not answer. */
  readonly ready:
    | {
        readonly answered: true;
        readonly build: string | null;
        /** Of the download that the build was made of. */
        readonly stamp: string | null;
        readonly components: readonly ComponentHealth[];
      }
    | { readonly answered: false; readonly reason: string }
    | null;
  readonly published: string | null;
}

export interface Verdict {
  readonly status: 'ok' | 'degraded' | 'down';
  /** The root cause in one sentence; empty where all is well. */
  readonly cause: string;
  readonly hint: string;
  readonly components: readonly ComponentHealth[];
}

/** Judges an observation: the first cause in the chain server -> components -> index. */
export function judge(seen: Observation): Verdict {
  const api = (state: ComponentHealth['state'], detail: string): ComponentHealth[] => [
    { name: 'api', state, latency_ms: null, detail },
  ];
  if (seen.server === null) {
    return {
      status: 'down',
      cause: 'The stack is not running.',
      hint: 'portiere up',
      components: api('down', 'not started'),
    };
  }
  const { pid, alive, url } = seen.server;
  if (!alive) {
    const cause = `The server (pid ${pid}) is gone: it was killed or it crashed.`;
    return {
      status: 'down',
      cause,
      hint: 'portiere up repairs it; portiere logs shows its last words',
      components: api('down', `pid ${pid} is gone`),
    };
  }
  if (seen.ready === null || !seen.ready.answered) {
    const reason = seen.ready === null ? 'was not asked' : seen.ready.reason;
    const cause = `The server (pid ${pid}) runs but does not answer: ${reason}`;
    return {
      status: 'down',
      cause,
      hint: 'portiere logs; then portiere down && portiere up',
      components: api('down', reason),
    };
  }
  const components = [...api('ok', `pid ${pid}, ${url}`), ...seen.ready.components];
  const sick =
    components.find(({ state }) => state === 'down') ?? components.find(({ state }) => state === 'degraded');
  if (sick !== undefined) {
    const hint =
      sick.name === 'dense' || sick.name === 'lexical'
        ? 'portiere index status; portiere up'
        : 'portiere logs';
    return {
      status: sick.state === 'down' ? 'down' : 'degraded',
      cause: `${sick.name} is ${sick.state}: ${sick.detail}`,
      hint,
      components,
    };
  }
  if (seen.published !== seen.ready.build) {
    const cause = `The server answers from build ${seen.ready.build ?? 'none'}, published is ${seen.published ?? 'none'}.`;
    return { status: 'degraded', cause, hint: 'portiere logs', components };
  }
  return { status: 'ok', cause: '', hint: '', components };
}
