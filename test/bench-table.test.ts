import { describe, expect, it } from 'vitest';

import type { Result, Row } from './bench/result.ts';
import { benchTable, isMet } from './bench/table.ts';

const round = (value: number) => ({ value, ours: value * 10, theirs: 10, load: 0.1 });
const row: Row = {
  goal: 'G1',
  metric: 'search',
  peer: 'faiss-cpu',
  unit: 'x',
  measured: 'ms',
  target: { atMost: 0.55 },
  checked: 'ids',
  rounds: [0.5, 0.52, 0.6].map(round),
};
const result: Result = {
  bench: 'exact',
  at: '2026-01-02T03:04:05.000Z',
  machine: {
    cpu: 'A processor',
    cores: 2,
    pinned: '0,1',
    flags: ['avx2'],
    memoryGiB: 24,
    kernel: '6',
    load: 0.1,
  },
  versions: { node: 'v24.0.0' },
  options: {},
  busy: false,
  others: 0.01,
  rows: [row],
};
const firstLine = (of: Result): string => benchTable([of]).split('\n')[2] ?? '';

describe('the table of the benches', () => {
  it('gives the median of the paired rounds, their range and both sides', () => {
    expect(firstLine(result)).toBe(
      '| G1 | search | faiss-cpu | 0.52x (0.5 to 0.6, 3); 5.2 beside 10 ms | ≤ 0.55x | met |',
    );
  });

  it('is met by the median, with the worst round within 15 % of the target', () => {
    const of = (target: Row['target'], ...rounds: number[]) => isMet({ target, rounds: rounds.map(round) });
    expect(of({ atMost: 1 }, 0.9, 0.95, 1.15)).toBe(true);
    expect(of({ atMost: 1 }, 0.9, 0.95, 1.16)).toBe(false);
    expect(of({ atMost: 1 }, 0.9, 1.01, 1.02)).toBe(false);
    expect(of({ atLeast: 2 }, 1.7, 2, 3)).toBe(true);
    expect(of({ atLeast: 2 }, 1.69, 2, 3)).toBe(false);
    expect(of(null, 1)).toBeUndefined();
    expect(of({ atMost: 1 })).toBeUndefined();
  });

  it('marks what was measured on a busy machine', () => {
    const line = firstLine({
      ...result,
      busy: true,
      machine: { ...result.machine, load: 1.24 },
      others: 0.031,
    });
    expect(line).toContain('met, busy machine (load 1.2 at the start, others used 3.1 %)');
  });

  it('says why a row was not run, and gives no figure', () => {
    const line = firstLine({ ...result, rows: [{ ...row, rounds: [], notRun: 'faiss absent' }] });
    expect(line).toBe('| G1 | search | faiss-cpu |  | ≤ 0.55x | not run: faiss absent |');
  });

  it('orders rows by the number of their goal, and tells the machine once', () => {
    const rows = ['G10', 'G2', 'G1'].map((goal) => ({ ...row, goal }));
    const text = benchTable([{ ...result, rows }]);
    expect(text.match(/^\| G\d+/gm)).toEqual(['| G1', '| G2', '| G10']);
    expect(text.match(/A processor/g)).toHaveLength(1);
  });

  it('lists the goals that nobody measured', () => {
    expect(benchTable([result], ['G1', 'G9'])).toContain('| G9 |  |  |  |  | not run |');
    expect(benchTable([result], ['G1', 'G9']).match(/\| G1 /g)).toHaveLength(1);
  });
});
