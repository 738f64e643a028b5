import { PortiereError } from '../../errors.ts';
import { storedRows } from '../stores/stored-rows.ts';
import { type NearestQuestion, serverNames, type VectorStore } from '../stores/vector-store.ts';
import { openFromFile } from '../vectors/from-file.ts';
import type { VectorBuild } from './vector-loader.ts';

const samples = 64;
/** A graph may miss one now and then; one that misses more would miss what is asked for. */
const least = 0.95;
const wanted = 10;
const timeout = 10_000;

/** Asks a server for the rows near a vector, before or after it has them under the build's name. */
export type Nearest = (question: NearestQuestion) => Promise<readonly number[]>;

/** INDEX_INVALID unless rows spread over a build find themselves, or their equals, in a server that was loaded with it. */
export async function requireSelfFound(
  engine: VectorStore['engine'],
  build: VectorBuild,
  nearest: Nearest,
): Promise<void> {
  const file = await openFromFile(build.header.path);
  try {
    const rows = spread(build);
    let found = 0;
    for (const { row, vector } of rows) {
      const near = await nearest({ vector, k: wanted, filters: {}, timeout });
      const known = near.filter((one) => one >= 0 && one < file.count);
      const [own = 0, ...scores] = await file.score(vector, [row, ...known]);
      if (scores.some((score) => score > own - 1e-3)) found += 1;
    }
    if (found >= rows.length * least) return;
    throw new PortiereError(
      'INDEX_INVALID',
      `Of ${rows.length} vectors of build ${build.id}, only ${found} find themselves in ${serverNames[engine]}.`,
      { hint: 'It was not published. Run the same command again: it is loaded anew.' },
    );
  } finally {
    await file.close();
  }
}

function spread(build: VectorBuild): { row: number; vector: Float32Array }[] {
  const { count } = build.header;
  const rows = new Map<number, Float32Array>();
  for (let at = 0; at < samples; at += 1) {
    // Left by a break, so that it closes its files.
    for (const { row, vector } of storedRows(build, Math.floor((at * count) / samples))) {
      rows.set(row, vector.slice());
      break;
    }
  }
  return [...rows].map(([row, vector]) => ({ row, vector }));
}
