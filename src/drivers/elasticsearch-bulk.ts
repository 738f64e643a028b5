import type { BulkAnswer, RefusedDocument, SearchEngine } from '../ports/search-engine.ts';
import type { Ask, Attempt } from './elasticsearch-call.ts';
import { diskState } from './elasticsearch-disk.ts';
import { diskFull, type EngineAddress, engineError, floodStage, isPassing } from './elasticsearch-errors.ts';

interface Parts {
  readonly attempt: Attempt;
  readonly ask: Ask;
  readonly address: EngineAddress;
}

interface Written {
  readonly errors: boolean;
  readonly items?: readonly {
    readonly index: {
      readonly status: number;
      readonly error?: { readonly type: string; readonly reason: string };
    };
  }[];
}

/** Of a document that is taken only its status comes back: its place says which one it is. */
const wanted = 'errors,items.index.status,items.index.error.type,items.index.error.reason';

/** Sends lines of documents; throws where sending them again cannot help. */
export function bulkOver({ attempt, ask, address }: Parts, timeout: number): SearchEngine['bulk'] {
  const blocked = async (reason: string): Promise<Error> =>
    diskFull(`Elasticsearch at ${address.url}`, await diskState(ask, reason));
  return async (index, { body, documents }): Promise<BulkAnswer> => {
    const answered = await attempt<Written>({
      method: 'POST',
      path: `/${index}/_bulk`,
      query: { filter_path: wanted },
      lines: body,
      timeout,
    });
    if ('fault' in answered) {
      const { fault } = answered;
      if (fault.kind === 'refused' && fault.status === 413) return { kind: 'too large' };
      if (fault.kind === 'refused' && floodStage.test(fault.reason)) throw await blocked(fault.reason);
      const reason = engineError(fault, address);
      if (isPassing(fault)) return { kind: 'busy', reason };
      throw reason;
    }
    const { errors, items = [] } = answered.body;
    // An answer about other documents than were sent says nothing of these.
    if (items.length !== documents) {
      const reason = engineError({ kind: 'broken', reason: 'its answer is not of what was sent' }, address);
      return { kind: 'busy', reason };
    }
    const refused = errors ? refusedOf(items) : [];
    const flooded = refused.find(({ reason }) => floodStage.test(reason));
    if (flooded !== undefined) throw await blocked(flooded.reason);
    return { kind: 'done', refused };
  };
}

function refusedOf(items: NonNullable<Written['items']>): RefusedDocument[] {
  return items.flatMap(({ index: { status, error } }, at) =>
    error === undefined ? [] : [{ at, status, reason: `${error.type}: ${error.reason}` }],
  );
}
