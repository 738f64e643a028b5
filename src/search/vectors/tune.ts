import { openIvf } from './ivf.ts';
import { setProbes } from './patch.ts';
import { findExactly, recallOf } from './recall.ts';

export interface Tuning {
  /** The inverted file; patched. */
  readonly path: string;
  /** The flat file with every row. */
  readonly vectors: string;
  /** Real questions, one after the other. */
  readonly queries: Float32Array;
  /** Recall@`k` to reach, 0 to 1. */
  readonly target: number;
  /** 10 by default. */
  readonly k?: number;
  readonly rerank?: number;
}

export interface Tuned {
  readonly nprobe: number;
  readonly recall: number;
  /** False where not even all lists reach the target: then all are looked into. */
  readonly reached: boolean;
}

/** Fewer than this a few easy questions could suggest. */
const LEAST = 4;

/** Finds the smallest nprobe (at least 4, where there are so many lists) that reaches the recall, and patches the file. */
export async function tuneProbes({ path, vectors, queries, target, k = 10, rerank }: Tuning): Promise<Tuned> {
  const truth = await findExactly(vectors, queries, k);
  const index = await openIvf(path, { vectors, rerank });
  try {
    const recalls = new Map<number, number>();
    const recallAt = async (nprobe: number) => {
      const known = recalls.get(nprobe) ?? (await recallOf(index.probing(nprobe), truth));
      recalls.set(nprobe, known);
      return known;
    };
    const nprobe = await smallest(Math.min(LEAST, index.nlist), index.nlist, async (probes) => {
      return (await recallAt(probes)) >= target;
    });
    const recall = await recallAt(nprobe);
    await setProbes(path, nprobe);
    return { nprobe, recall, reached: recall >= target };
  } finally {
    await index.close();
  }
}

/** The smallest from `low` to `high` that is enough, `high` where none is: by doubling, then by halves. */
async function smallest(
  low: number,
  high: number,
  enough: (value: number) => Promise<boolean>,
): Promise<number> {
  let [short, long] = [low - 1, low];
  while (long < high && !(await enough(long))) [short, long] = [long, Math.min(high, 2 * long)];
  while (long - short > 1) {
    const middle = Math.floor((short + long) / 2);
    if (await enough(middle)) long = middle;
    else short = middle;
  }
  return long;
}
