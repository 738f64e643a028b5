import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DenseRequest, type DenseType, planDense } from '../../../src/search/vectors/plan.ts';

const GB = 2 ** 30;
const request = (given: Partial<DenseRequest>): DenseRequest => ({
  count: 1_000_000,
  dimension: 384,
  memoryBytes: 8 * GB,
  type: 'auto',
  quality: 'standard',
  faissNode: false,
  ...given,
});

describe('planning a dense index', () => {
  it('chooses by rows, dimension and memory', async () => {
    const sizes = [1_000, 10_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];
    const memories = [2, 4, 8, 16, 32, 64];
    const lines = sizes.flatMap((count) =>
      [384, 768, 2048].map((dimension) => {
        const choices = memories.map((gb) => choiceOf({ count, dimension, memoryBytes: gb * GB }));
        return [count.toLocaleString('en'), String(dimension), ...choices];
      }),
    );
    const header = ['rows', 'dimension', ...memories.map((gb) => `${gb} GB`)];
    const cells = [header, ...lines];
    const widths = header.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
    const table = cells.map((line) => line.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  '));
    const told = `The kind chosen, its lists, and MB to search / MB to build on four threads.\n\n${table.join('\n')}\n`;
    await expect(told).toMatchFileSnapshot('plan-choices.txt');
  });

  it.each([
    // rows, dimension, GB, kind, lists
    [1000, 384, 2, 'Flat', null],
    [138_000, 384, 2, 'Flat', null],
    [199_999, 2048, 2, 'Flat', null],
    [199_999, 2048, 1, 'Flat', null],
    [300_000, 384, 2, 'IVFFlat', 2048],
    [2_000_000, 384, 4, 'IVFFlat', 4096],
    [2_000_000, 384, 2, 'IVFSQ8', 4096],
    [2_000_000, 768, 4, 'IVFSQ8', 4096],
    [5_000_000, 768, 4, 'IVFSQ8', 8192],
    [5_000_000, 768, 2, 'IVFPQ', 8192],
    [10_000_000, 768, 8, 'IVFSQ8', 16_384],
    [10_000_000, 768, 64, 'IVFFlat', 16_384],
    [10_000_000, 2048, 4, 'IVFPQ', 8192],
  ])('of %i rows of %i in %i GB chooses %s', (count, dimension, gb, type, nlist) => {
    expect(planDense(request({ count, dimension, memoryBytes: gb * GB }))).toMatchObject({ type, nlist });
  });

  it('learns, looks into and looks again twice as much for quality', () => {
    const [standard, high] = (['standard', 'high'] as const).map((quality) =>
      planDense(request({ quality, type: 'IVFSQ8' })),
    );
    expect(standard).toMatchObject({
      nlist: 4096,
      nprobe: 128,
      trainingRows: 262_144,
      iterations: 8,
      rerank: 64,
    });
    expect(high).toMatchObject({ nlist: 4096, nprobe: 256, iterations: 16, rerank: 128 });
  });

  it('counts on whole rows of a flat index where faiss-node may search it', () => {
    const [bytes, whole] = [false, true].map((faissNode) => planDense(request({ type: 'Flat', faissNode })));
    expect(bytes?.memoryBytes).toBe(64 * 2 ** 20 + 1_000_000 * (384 + 16));
    expect(whole?.memoryBytes).toBe(64 * 2 ** 20 + 1_000_000 * 384 * 4);
  });

  it('takes the numbers it is given', () => {
    expect(planDense(request({ type: 'IVFPQ', nlist: 100, nprobe: 7 }))).toMatchObject({
      nlist: 100,
      nprobe: 7,
      pq: { segments: 48, bits: 8 },
    });
    expect(planDense(request({ type: 'HNSW', efSearch: 77, faissNode: true }))).toMatchObject({
      nlist: null,
      efSearch: 77,
      efConstruction: 200,
    });
  });

  it.each<[string, Partial<DenseRequest>, string]>([
    ['more lists than rows to learn them from', { nlist: 25_642 }, 'at most 25641'],
    ['more probes than lists', { nlist: 10, nprobe: 11 }, 'at most 10'],
    ['more probes than lists chosen', { nprobe: 5000 }, 'at most 4096'],
    ['no probes', { nprobe: 0 }, 'whole number'],
    ['half a list', { nlist: 1.5 }, 'whole number'],
    ['lists of a flat index', { type: 'Flat', nlist: 10 }, 'Leave them out'],
    ['efSearch of lists', { efSearch: 10 }, 'HNSW'],
    ['a graph without the package', { type: 'HNSW' }, 'npm install faiss-node'],
    ['lists for a handful of rows', { type: 'IVFFlat', count: 30 }, 'Flat'],
    ['a kind that does not fit', { type: 'Flat', memoryBytes: GB / 4 }, 'auto'],
    ['what fits in no way', { memoryBytes: 70 * 2 ** 20 }, 'Allow at least'],
  ])('refuses %s', (_, given, hint) => {
    expect(() => planDense(request(given))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining(hint) }),
    );
  });

  it('never exceeds the memory it was given, and makes sense of every size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000_000 }),
        fc.constantFrom(8, 100, 384, 768, 2048),
        fc.integer({ min: 100, max: 65_536 }),
        fc.constantFrom<'auto' | DenseType>('auto', 'Flat', 'IVFFlat', 'IVFSQ8', 'IVFPQ', 'HNSW'),
        fc.constantFrom('standard' as const, 'high' as const),
        (count, dimension, megabytes, type, quality) => {
          const memoryBytes = megabytes * 2 ** 20;
          try {
            const plan = planDense(
              request({ count, dimension, memoryBytes, type, quality, faissNode: true }),
            );
            expect(plan.memoryBytes).toBeLessThanOrEqual(memoryBytes);
            expect(plan.buildMemoryBytes).toBeLessThanOrEqual(memoryBytes);
            expect(plan.trainingRows).toBeLessThanOrEqual(count);
            if (plan.nlist === null) return;
            expect(plan.nlist * 39).toBeLessThanOrEqual(Math.max(plan.trainingRows, 39));
            expect(plan.nprobe).toBeLessThanOrEqual(plan.nlist);
            expect(plan.nprobe).toBeGreaterThanOrEqual(Math.min(16, plan.nlist));
          } catch (error) {
            expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
          }
        },
      ),
    );
  });

  it('refuses more lists than can be built', () => {
    const request = { count: 20_000_000, dimension: 768, memoryBytes: 2 ** 40, quality: 'standard' } as const;
    expect(() => planDense({ ...request, type: 'IVFSQ8', nlist: 65_536, faissNode: false })).toThrow(
      /take .* MB to build/,
    );
  });
});

function choiceOf(given: Partial<DenseRequest>): string {
  try {
    const { type, nlist, memoryBytes, buildMemoryBytes } = planDense(request(given));
    const megabytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
    return `${type}${nlist === null ? '' : ` ${nlist}`} ${megabytes(memoryBytes)}/${megabytes(buildMemoryBytes)}`;
  } catch {
    return 'too little';
  }
}
