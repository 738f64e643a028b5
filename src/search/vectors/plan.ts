import { PortiereError } from '../../errors.ts';
import { buildMemory, type DenseType, diskBytes, searchMemory } from './plan-bytes.ts';

export type { DenseType } from './plan-bytes.ts';

/** How a dense index will be built and searched; null where a kind has no such thing. */
export interface DensePlan {
  readonly type: DenseType;
  readonly nlist: number | null;
  readonly nprobe: number | null;
  /** Rows the lists are learnt from, and steps of learning. */
  readonly trainingRows: number;
  readonly iterations: number;
  readonly pq: { readonly segments: number; readonly bits: 8 } | null;
  readonly efConstruction: number | null;
  readonly efSearch: number | null;
  /** Candidates whose vectors are looked at exactly; 0 for none. */
  readonly rerank: number;
  /** What searching holds in memory. */
  readonly memoryBytes: number;
  /** Both files. */
  readonly diskBytes: number;
  /** What building holds in memory on four threads, the texts and the embedder apart. */
  readonly buildMemoryBytes: number;
  readonly reason: string;
}

export interface DenseRequest {
  readonly count: number;
  readonly dimension: number;
  /** What searching may take, and building. */
  readonly memoryBytes: number;
  readonly type: 'auto' | DenseType;
  /** `high` doubles the effort of learning and of searching. */
  readonly quality: 'standard' | 'high';
  readonly nlist?: number | undefined;
  readonly nprobe?: number | undefined;
  readonly efSearch?: number | undefined;
  /** Whether the optional package faiss-node is there. */
  readonly faissNode: boolean;
}

/** Up to here looking at every row is fast enough. */
const FLAT_ROWS = 200_000;
/** FAISS warns below this many rows to learn a list from. */
const LEAST_ROWS_A_LIST = 39;
const ROWS_A_LIST = { standard: 64, high: 128 } as const;
const TRAINING_BYTES = 400 * 2 ** 20;
const ITERATIONS = { standard: 8, high: 16 } as const;
/** What is learnt from lies in one WebAssembly memory, which addresses 4 GiB. */
const MOST_TO_BUILD = 3.8 * 2 ** 30;
const EF_CONSTRUCTION = { standard: 200, high: 400 } as const;

/**
 * Chooses the kind of index and its numbers. CONFIG_INVALID, with what would do, for a request that cannot be:
 * lists or probes there are no rows for, a kind that does not fit the memory or needs a package that is absent.
 */
export function planDense(request: DenseRequest): DensePlan {
  checkRequest(request);
  const choice =
    request.type === 'auto' ? choose(request) : { type: request.type, reason: 'It was asked for.' };
  const plan = planOf(request, choice);
  if (plan.nlist !== null && plan.buildMemoryBytes > MOST_TO_BUILD) {
    throw invalid(
      `${plan.nlist} lists of dimension ${request.dimension} take ${megabytes(plan.buildMemoryBytes)} MB to build, and ${megabytes(MOST_TO_BUILD)} MB are possible.`,
      'Choose fewer lists (DENSE_NLIST), or leave their number to the plan.',
    );
  }
  if (takes(plan) <= request.memoryBytes) return plan;
  const least = takes(planOf(request, { type: 'IVFPQ', reason: '' }));
  const hint =
    request.type === 'auto' || least > request.memoryBytes
      ? `Allow at least ${megabytes(Math.min(takes(plan), least))} MB.`
      : 'Let the kind be chosen (auto), or allow more.';
  throw invalid(
    `A ${plan.type} index of ${request.count} rows takes ${megabytes(plan.memoryBytes)} MB to search ` +
      `and ${megabytes(plan.buildMemoryBytes)} MB to build, and ${megabytes(request.memoryBytes)} MB are allowed.`,
    hint,
  );
}

function takes({ memoryBytes, buildMemoryBytes }: DensePlan): number {
  return Math.max(memoryBytes, buildMemoryBytes);
}

interface Choice {
  readonly type: DenseType;
  readonly reason: string;
}

/** The first kind that fits: every row exactly, every row in lists, a byte a dimension, a byte a segment. */
function choose(request: DenseRequest): Choice {
  const { count, memoryBytes } = request;
  const fits = (type: DenseType) => takes(planOf(request, { type, reason: '' })) <= memoryBytes;
  const small = count < FLAT_ROWS;
  if (small && request.nlist === undefined && request.nprobe === undefined && fits('Flat')) {
    return { type: 'Flat', reason: `Below ${FLAT_ROWS} rows every one is looked at: nothing is missed.` };
  }
  if (count < LEAST_ROWS_A_LIST) {
    return { type: 'Flat', reason: `${count} rows are too few to learn lists from.` };
  }
  const lists = 'lists, so that a search looks at few of the rows';
  if (fits('IVFFlat')) return { type: 'IVFFlat', reason: `The vectors fit the memory, in ${lists}.` };
  if (fits('IVFSQ8')) {
    return {
      type: 'IVFSQ8',
      reason: `A byte a dimension fits the memory, in ${lists}; the best are looked at exactly.`,
    };
  }
  return {
    type: 'IVFPQ',
    reason: `Only the smallest codes fit the memory, in ${lists}; the best are looked at exactly.`,
  };
}

function planOf(request: DenseRequest, choice: Choice): DensePlan {
  const inverted = choice.type.startsWith('IVF');
  let nlist = inverted ? (request.nlist ?? listsFor(request.count)) : null;
  let plan = planWith(request, choice, nlist);
  // Long vectors, or little memory: fewer lists, learnt from fewer rows, so that they can be built.
  const most = Math.min(MOST_TO_BUILD, request.memoryBytes);
  while (nlist !== null && request.nlist === undefined && nlist > 1 && plan.buildMemoryBytes > most) {
    nlist /= 2;
    plan = planWith(request, choice, nlist);
  }
  return plan;
}

function planWith(request: DenseRequest, { type, reason }: Choice, nlist: number | null): DensePlan {
  const { count, dimension, quality } = request;
  const segments = type === 'IVFPQ' ? segmentsFor(dimension) : null;
  const trainingRows = nlist === null ? 0 : trainingRowsFor({ count, dimension, nlist, quality });
  const shape = {
    type,
    count,
    dimension,
    nlist: nlist ?? 0,
    segments: segments ?? 0,
    trainingRows,
    wholeRows: request.faissNode,
  };
  return {
    type,
    nlist,
    nprobe: nlist === null ? null : (request.nprobe ?? probesFor(nlist, quality)),
    trainingRows,
    iterations: nlist === null ? 0 : ITERATIONS[quality],
    pq: segments === null ? null : { segments, bits: 8 },
    efConstruction: type === 'HNSW' ? EF_CONSTRUCTION[quality] : null,
    efSearch: type === 'HNSW' ? (request.efSearch ?? (quality === 'high' ? 256 : 128)) : null,
    rerank: rerankFor(type, quality),
    memoryBytes: searchMemory(shape),
    diskBytes: diskBytes(shape),
    buildMemoryBytes: buildMemory(shape),
    reason,
  };
}

/** 4 sqrt(n), to the nearest power of two that leaves each list rows to be learnt from. */
function listsFor(count: number): number {
  const wanted = 2 ** Math.round(Math.log2(4 * Math.sqrt(Math.max(1, count))));
  const most = Math.max(1, Math.floor(count / LEAST_ROWS_A_LIST));
  return Math.min(wanted, 2 ** Math.floor(Math.log2(most)));
}

/** A thirty-second of the lists, and never so few that a near row in the list beside is missed. */
function probesFor(nlist: number, quality: DenseRequest['quality']): number {
  return Math.min(nlist, Math.max(16, nlist / 32) * (quality === 'high' ? 2 : 1));
}

/** Segments of eight dimensions, or as near to that as divides the vector. */
function segmentsFor(dimension: number): number {
  const widths = [8, 6, 10, 4, 12, 5, 7, 9, 16, 3, 2, 1];
  return dimension / widths.find((width) => dimension % width === 0)!;
}

function trainingRowsFor(given: {
  readonly count: number;
  readonly dimension: number;
  readonly nlist: number;
  readonly quality: DenseRequest['quality'];
}): number {
  const { count, dimension, nlist, quality } = given;
  const room = Math.floor(TRAINING_BYTES / (4 * dimension));
  const least = LEAST_ROWS_A_LIST * nlist;
  return Math.min(count, Math.max(least, Math.min(ROWS_A_LIST[quality] * nlist, room)));
}

function rerankFor(type: DenseType, quality: DenseRequest['quality']): number {
  const twice = quality === 'high' ? 2 : 1;
  if (type === 'IVFPQ') return 256 * twice;
  return type === 'IVFSQ8' ? 64 * twice : 0;
}

function checkRequest({ count, dimension, type, nlist, nprobe, efSearch, faissNode }: DenseRequest): void {
  for (const [name, value] of Object.entries({ nlist, nprobe, efSearch })) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1)) {
      throw invalid(`${name} cannot be ${value}.`, 'Choose a whole number of 1 or more, or leave it out.');
    }
  }
  if (!Number.isInteger(count) || count < 0 || !Number.isInteger(dimension) || dimension < 1) {
    throw new PortiereError('BUG', `There is no plan for ${count} rows of dimension ${dimension}.`);
  }
  const most = Math.floor(count / LEAST_ROWS_A_LIST);
  if (nlist !== undefined && nlist > most) {
    throw invalid(
      `${count} rows cannot be put in ${nlist} lists: each needs ${LEAST_ROWS_A_LIST} to be learnt from.`,
      most < 1
        ? 'Leave nlist out: so few rows are looked at one by one.'
        : `Choose at most ${most}, or leave it out.`,
    );
  }
  if (type.startsWith('IVF') && most < 1) {
    throw invalid(
      `${count} rows are too few for lists (${type}).`,
      'Choose Flat, or let the kind be chosen (auto).',
    );
  }
  const lists = nlist ?? listsFor(count);
  if (nprobe !== undefined && nprobe > lists) {
    throw invalid(
      `nprobe cannot be ${nprobe}: there will be ${lists} lists.`,
      `Choose at most ${lists}, or leave it out.`,
    );
  }
  if ((type === 'Flat' || type === 'HNSW') && (nlist !== undefined || nprobe !== undefined)) {
    throw invalid(
      `A ${type} index has no lists: nlist and nprobe mean nothing.`,
      'Leave them out, or choose an IVF kind.',
    );
  }
  if (efSearch !== undefined && type !== 'HNSW') {
    throw invalid('Only a graph has efSearch.', 'Leave it out, or choose HNSW.');
  }
  if (type === 'HNSW' && !faissNode) {
    throw invalid(
      'An HNSW index is built by faiss-node, which is not installed.',
      'npm install faiss-node, or choose IVFSQ8.',
    );
  }
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

function invalid(message: string, hint: string): PortiereError {
  return new PortiereError('CONFIG_INVALID', message, { hint });
}
