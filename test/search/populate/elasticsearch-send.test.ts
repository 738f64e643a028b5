import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { PortiereError } from '../../../src/errors.ts';
import type { BulkAnswer, SearchEngine } from '../../../src/ports/search-engine.ts';
import {
  cutBatches,
  halves,
  idAt,
  type NumberedDocument,
  pickLines,
} from '../../../src/search/populate/elasticsearch-batches.ts';
import { newPace } from '../../../src/search/populate/elasticsearch-pace.ts';
import { sendAll, type Sent } from '../../../src/search/populate/elasticsearch-send.ts';
import { fakeSearchEngine } from '../../support/search-engine.ts';

const documents = (count: number): NumberedDocument[] =>
  Array.from({ length: count }, (_, at) => ({ number: at + 1, json: `{"name":"Name ${at + 1} é"}` }));

describe('batches', () => {
  it('hold whole documents in order, up to a count or a size, whichever comes first', () => {
    const byCount = [...cutBatches(documents(7), () => ({ documents: 3, bytes: 1e9 }))];
    expect(byCount.map(({ documents, upTo }) => [documents, upTo])).toEqual([
      [3, 3],
      [3, 6],
      [1, 7],
    ]);
    const text = byCount.map(({ body }) => body.toString()).join('');
    expect(text.split('\n')).toHaveLength(15);
    const bySize = [...cutBatches(documents(3), () => ({ documents: 100, bytes: 10 }))];
    expect(bySize.map(({ documents }) => documents)).toEqual([1, 1, 1]);
    expect([...cutBatches([], () => ({ documents: 3, bytes: 10 }))]).toEqual([]);
  });

  it('are picked from and halved without losing or changing a line', () => {
    const [batch] = [...cutBatches(documents(5), () => ({ documents: 9, bytes: 1e9 }))];
    if (batch === undefined) throw new Error('no batch');
    expect(idAt(batch, 3)).toBe('4');
    const picked = pickLines(batch, [1, 4]);
    expect([idAt(picked, 0), idAt(picked, 1), picked.documents]).toEqual(['2', '5', 2]);
    const [first, second] = halves(batch);
    expect(Buffer.concat([first.body, second.body]).equals(batch.body)).toBe(true);
    expect([first.documents, second.documents]).toEqual([3, 2]);
  });
});

interface Chance {
  readonly kind: 'take' | 'busy' | 'lost answer' | 'some' | 'too large';
  readonly delay: number;
}

describe('sendAll', () => {
  it('brings every document there whatever goes wrong on the way, and never tells of one that is not there', async () => {
    const chance = fc.record<Chance>({
      kind: fc.constantFrom('take', 'take', 'take', 'busy', 'lost answer', 'some', 'too large'),
      delay: fc.integer({ min: 0, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 60 }),
        fc.array(chance, { maxLength: 30 }),
        async (count, chances) => {
          const { engine, there, most } = rough(chances);
          const told: Sent[] = [];
          const pace = { ...newPace(() => performance.now()), limits: () => ({ documents: 4, bytes: 1e9 }) };
          await sendAll({
            engine,
            index: 'i',
            pace,
            patience: { whole: 60_000, first: 0, longest: 0 },
            requireSame: async () => {},
            refuse: () => undefined,
            batches: cutBatches(documents(count), () => pace.limits()),
            onSent(sent) {
              for (let id = 1; id <= sent.upTo; id++) expect(there.has(String(id))).toBe(true);
              told.push(sent);
            },
          });
          expect([...there.keys()].length).toBe(count);
          expect(told.at(-1)).toEqual(count === 0 ? undefined : { upTo: count, documents: count });
          expect(told.map(({ upTo }) => upTo)).toEqual(told.map(({ upTo }) => upTo).sort((a, b) => a - b));
          expect(most()).toBeLessThanOrEqual(8);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('ends with what failed, once nothing is under way any more', async () => {
    let underWay = 0;
    const engine: SearchEngine = {
      ...fakeSearchEngine(),
      async bulk(_index, { body }) {
        underWay += 1;
        await new Promise((resolve) => setTimeout(resolve, body.includes('"_id":"5"') ? 1 : 20));
        underWay -= 1;
        if (body.includes('"_id":"5"')) throw new PortiereError('DISK_FULL', 'full');
        return { kind: 'done', refused: [] };
      },
    };
    const pace = newPace(() => performance.now());
    const told: Sent[] = [];
    const sending = sendAll({
      engine,
      index: 'i',
      pace,
      patience: { whole: 1_000, first: 1, longest: 1 },
      requireSame: async () => {},
      refuse: () => undefined,
      batches: cutBatches(documents(100), () => ({ documents: 4, bytes: 1e9 })),
      onSent: (sent) => told.push(sent),
    });
    await expect(sending).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(underWay).toBe(0);
    expect(told.every(({ upTo }) => upTo <= 4)).toBe(true);
  });
});

/** An engine to which each thing happens in turn, then none. */
function rough(chances: readonly Chance[]): {
  readonly engine: SearchEngine;
  readonly there: Map<string, string>;
  readonly most: () => number;
} {
  const left = [...chances];
  const there = new Map<string, string>();
  let underWay = 0;
  let most = 0;
  const busy: BulkAnswer = { kind: 'busy', reason: new Error('busy') };
  const engine: SearchEngine = {
    ...fakeSearchEngine(),
    async bulk(_index, lines) {
      const { kind, delay } = left.shift() ?? { kind: 'take', delay: 0 };
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, delay));
      underWay -= 1;
      if (kind === 'busy') return busy;
      // A document that is too large alone can never be sent.
      if (kind === 'too large' && lines.documents > 1) return { kind };
      const refused = Array.from({ length: lines.documents }, (_, at) => at).flatMap((at) => {
        if (kind === 'some' && at % 2 === 0) return [{ at, status: 429, reason: 'busy' }];
        there.set(idAt(lines, at), 'there');
        return [];
      });
      return kind === 'lost answer' ? busy : { kind: 'done', refused };
    },
  };
  return { engine, there, most: () => most };
}
