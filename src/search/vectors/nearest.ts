import type { MatrixKernels } from './kernel-matrix.ts';
import type { KernelMemory } from './wasm.ts';

/**
 * Centroids in memory, in groups of neighbours, so that a row is compared with the groups first and then only
 * with the centroids of a few. Places are in bytes; an odd number of centroids is followed by one of bias -Infinity.
 */
export interface Codebook {
  readonly stride: number;
  readonly centroids: number;
  readonly groups: number;
  /** Groups looked into for each row. */
  readonly probes: number;
  readonly centroidsAt: number;
  /** One float32 a centroid. */
  readonly biasAt: number;
  readonly groupsAt: number;
  readonly groupBiasAt: number;
  /** First centroid of each group, and the number of centroids; shared with whoever regroups them. */
  readonly groupStarts: Uint32Array;
}

/** Bytes of scratch that a Nearest needs. */
export function nearestScratch(groups: number): number {
  return 16 * (groups + 2) + 32;
}

/** Writes the centroid of largest inner product of `count` consecutive rows; -1 for a row of zeros. */
export type Nearest = (rowsAt: number, count: number, into: Int32Array) => void;

/** A Nearest over `memory`; equal scores go to the lower centroid. */
export function createNearest(
  memory: KernelMemory,
  kernels: MatrixKernels,
  { book, scratchAt }: { readonly book: Codebook; readonly scratchAt: number },
): Nearest {
  const { stride, groups, groupStarts } = book;
  const probes = Math.min(book.probes, groups);
  const foundAt = scratchAt + 16 * (groups + 2);
  const groupScores = new Float32Array(memory.buffer, scratchAt, 4 * groups);
  const found = new Float32Array(memory.buffer, foundAt, 4);
  const foundIndex = new Int32Array(memory.buffer, foundAt + 16, 4);
  let chosen = new Uint16Array(0);
  let best = new Float32Array(0);
  let pairs = new Uint32Array(0);
  const starts = new Uint32Array(groups + 1);

  /** The `probes` best groups of each row; ties go to the lower. */
  const chooseGroups = (rowsAt: number, count: number) => {
    const top = new Float32Array(probes);
    for (let first = 0; first < count; first += 4) {
      const at = (row: number) => rowsAt + Math.min(first + row, count - 1) * stride;
      const even = groups + (groups & 1);
      kernels.scores(at(0), at(1), at(2), at(3), book.groupsAt, even, stride, book.groupBiasAt, scratchAt);
      for (let row = 0; row < Math.min(4, count - first); row += 1) {
        const base = (first + row) * probes;
        let held = 0;
        for (let group = 0; group < groups; group += 1) {
          const score = groupScores[4 * group + row]!;
          if (held === probes && score <= top[held - 1]!) continue;
          let place = held < probes ? held : held - 1;
          if (held < probes) held += 1;
          while (place > 0 && top[place - 1]! < score) {
            top[place] = top[place - 1]!;
            chosen[base + place] = chosen[base + place - 1]!;
            place -= 1;
          }
          top[place] = score;
          chosen[base + place] = group;
        }
      }
    }
  };

  /** Row numbers ordered by the group they look into. */
  const orderByGroup = (count: number) => {
    starts.fill(0);
    for (let at = 0; at < count * probes; at += 1) starts[chosen[at]! + 1]! += 1;
    for (let group = 0; group < groups; group += 1) starts[group + 1]! += starts[group]!;
    const next = starts.slice();
    for (let at = 0; at < count * probes; at += 1) {
      const group = chosen[at]!;
      pairs[next[group]!] = Math.floor(at / probes);
      next[group]! += 1;
    }
  };

  return (rowsAt, count, into) => {
    if (chosen.length < count * probes) {
      chosen = new Uint16Array(count * probes);
      pairs = new Uint32Array(count * probes);
      best = new Float32Array(count);
    }
    chooseGroups(rowsAt, count);
    orderByGroup(count);
    best.fill(-Infinity);
    into.fill(-1, 0, count);
    for (let group = 0; group < groups; group += 1) {
      const [from, to] = [starts[group]!, starts[group + 1]!];
      const first = groupStarts[group]!;
      const size = groupStarts[group + 1]! - first;
      if (size === 0) continue;
      const others = book.centroidsAt + first * stride;
      for (let four = from; four < to; four += 4) {
        const at = (row: number) => rowsAt + pairs[Math.min(four + row, to - 1)]! * stride;
        const bias = book.biasAt + 4 * first;
        kernels.nearest(at(0), at(1), at(2), at(3), others, size + (size & 1), stride, bias, foundAt);
        for (let lane = 0; lane < Math.min(4, to - four); lane += 1) {
          const row = pairs[four + lane]!;
          const [score, centroid] = [found[lane]!, first + foundIndex[lane]!];
          if (score > best[row]! || (score === best[row] && centroid < into[row]!)) {
            best[row] = score;
            into[row] = centroid;
          }
        }
      }
    }
    const floats = new Float32Array(memory.buffer, rowsAt, (count * stride) / 4);
    for (let row = 0; row < count; row += 1) {
      if (best[row] === 0 && isZero(floats, (row * stride) / 4, stride / 4)) into[row] = -1;
    }
  };
}

function isZero(floats: Float32Array, start: number, length: number): boolean {
  for (let at = start; at < start + length; at += 1) if (floats[at] !== 0) return false;
  return true;
}
