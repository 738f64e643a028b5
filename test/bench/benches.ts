/** Scripts, the goals they measure, and what they are run with; `needs` are options of this program that they take. */
export const benches = [
  { script: 'exact.ts', goals: ['G1', 'G2', 'G3'], args: ['--rows', '300000'] },
  {
    script: 'exact.ts',
    goals: ['G1', 'G2', 'G3'],
    args: ['--rows', '1000000', '--queries', '20', '--batches', '16'],
  },
  { script: 'exact.ts', goals: ['G1', 'G2', 'G3'], args: ['--uniform'] },
  { script: 'inverted.ts', goals: ['G4', 'G5'], args: ['--type', 'IVFSQ8'] },
  {
    script: 'inverted.ts',
    goals: ['G4', 'G5'],
    args: ['--type', 'IVFFlat', '--builds', '0', '--node-builds', '0'],
  },
  { script: 'inspect.ts', goals: ['G6'], args: [] },
  { script: 'embedding.ts', goals: ['G7'], args: ['--precision', 'int8'], needs: ['model'] },
  { script: 'embedding.ts', goals: ['G8'], args: ['--precision', 'fp32'], needs: ['model'] },
  { script: 'refresh.ts', goals: ['G9'], args: [] },
  { script: 'refresh.ts', goals: ['G9'], args: ['--precision', 'int8'], needs: ['model', 'vocabulary'] },
  { script: 'kills.ts', goals: ['G10'], args: [] },
  { script: 'bulk.ts', goals: ['G11'], args: [] },
  { script: 'start.ts', goals: ['G15'], args: [] },
  { script: 'concepts.ts', goals: ['G17'], args: [] },
  { script: 'precision.ts', goals: ['G19'], args: [], needs: ['model', 'vocabulary', 'queries'] },
  { script: 'memory.ts', goals: ['G20'], args: [] },
] as const;

/** All goals that are measured. */
export const goals: readonly string[] = [...new Set(benches.flatMap((bench) => bench.goals))];
