import { open } from 'node:fs/promises';
import { fromSystemError, PortiereError } from '../../errors.ts';
import { type HnswSummary, inspectGraph, inspectLists, type IvfSummary } from './faiss-inner.ts';

/** Bytes before the vectors of a FAISS flat index. */
export const FLAT_HEADER_BYTES = 45;

/** FAISS writes this twice after the row count and ignores it on reading. */
const RESERVED = 1n << 20n;
const INNER_PRODUCT = 0;
const MAX_ROWS = 2n ** 40n;
/** Every type that FAISS writes begins so, those of vectors of bits too. */
const FOURCC = /^I[\x21-\x7e]{3}$/;

/** What a FAISS index file says about itself; `bytes` is the size of the whole file. */
export interface FaissSummary {
  readonly path: string;
  /** FAISS's four-letter type, for example `IxFI` (flat, inner product) or `IwFl` (inverted file). */
  readonly fourcc: string;
  readonly metric: 'inner product' | 'L2' | `metric ${number}`;
  readonly dimension: number;
  readonly count: number;
  readonly trained: boolean;
  readonly bytes: number;
  /** Of an inverted file whose beginning holds together. */
  readonly ivf?: IvfSummary;
  /** Of a graph whose beginning holds together. */
  readonly hnsw?: HnswSummary;
}

/** Shape of a flat inner-product index: `count` rows of `dimension` float32, starting at FLAT_HEADER_BYTES. */
export interface FlatHeader {
  readonly path: string;
  readonly dimension: number;
  readonly count: number;
}

/** Reads a page or two of any FAISS index file, whatever its size; INDEX_MISSING when absent, INDEX_INVALID when it is not one. */
export async function inspectFaiss(path: string): Promise<FaissSummary> {
  const { head, bytes } = await readHead(path);
  if (head.length < FLAT_HEADER_BYTES - 8) {
    throw invalidIndex(path, `it is ${bytes} bytes long, too short for a FAISS index`);
  }
  const fourcc = head.toString('latin1', 0, 4);
  if (!FOURCC.test(fourcc)) throw invalidIndex(path, 'it does not start with a FAISS type');
  const dimension = head.readInt32LE(4);
  const count = head.readBigInt64LE(8);
  if (dimension <= 0) throw invalidIndex(path, `its dimension is ${dimension}`);
  if (count < 0n || count > MAX_ROWS) throw invalidIndex(path, `its row count is ${count}`);
  if (head.readBigInt64LE(16) !== RESERVED || head.readBigInt64LE(24) !== RESERVED) {
    throw invalidIndex(path, 'its reserved fields do not hold what FAISS writes there');
  }
  const trained = head[32];
  if (trained !== 0 && trained !== 1) throw invalidIndex(path, `its "trained" flag is ${trained}`);
  const ivf = fourcc.startsWith('Iw') ? await inspectLists(path, { fourcc, dimension, bytes }) : undefined;
  const hnsw = fourcc.startsWith('IHN') ? await inspectGraph(path, bytes) : undefined;
  return {
    path,
    fourcc,
    metric: metricName(head.readInt32LE(33)),
    dimension,
    count: Number(count),
    trained: trained === 1,
    bytes,
    ...(ivf ? { ivf } : {}),
    ...(hnsw ? { hnsw } : {}),
  };
}

/** Reads and checks every field, and the size, of a flat inner-product index (`IxFI`); INDEX_INVALID names the fault. */
export async function readFlatHeader(path: string): Promise<FlatHeader> {
  const { fourcc, metric, dimension, count, trained, bytes } = await inspectFaiss(path);
  if (fourcc !== 'IxFI') {
    throw invalidIndex(path, `its type is "${fourcc}", not "IxFI" (flat, inner product)`);
  }
  if (metric !== 'inner product') throw invalidIndex(path, `its metric is ${metric}, not inner product`);
  if (!trained) throw invalidIndex(path, 'it says it is not trained');
  const { head } = await readHead(path);
  if (head.length < FLAT_HEADER_BYTES) throw invalidIndex(path, 'it ends inside the header');
  const floats = head.readBigUInt64LE(37);
  if (floats !== BigInt(count) * BigInt(dimension)) {
    throw invalidIndex(path, `it announces ${floats} numbers for ${count} rows of ${dimension}`);
  }
  const expected = FLAT_HEADER_BYTES + count * dimension * 4;
  if (bytes !== expected) {
    const fault = bytes < expected ? 'it is cut short' : 'it has bytes after its end';
    throw invalidIndex(path, `${fault}: ${bytes} bytes where ${expected} are due`);
  }
  return { path, dimension, count };
}

/** The 45 bytes FAISS writes before the vectors of a flat inner-product index. */
export function encodeFlatHeader({ dimension, count }: { dimension: number; count: number }): Buffer {
  const head = Buffer.alloc(FLAT_HEADER_BYTES);
  head.write('IxFI', 0, 'latin1');
  head.writeInt32LE(dimension, 4);
  head.writeBigInt64LE(BigInt(count), 8);
  head.writeBigInt64LE(RESERVED, 16);
  head.writeBigInt64LE(RESERVED, 24);
  head.writeUInt8(1, 32);
  head.writeInt32LE(INNER_PRODUCT, 33);
  head.writeBigUInt64LE(BigInt(count) * BigInt(dimension), 37);
  return head;
}

async function readHead(path: string): Promise<{ head: Buffer; bytes: number }> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new PortiereError('INDEX_MISSING', `There is no index at ${path}.`, {
        hint: 'Build one: portiere index build',
      });
    }
    throw fromSystemError(error, path);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw invalidIndex(path, 'it is not a file');
    const head = Buffer.alloc(FLAT_HEADER_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return { head: head.subarray(0, bytesRead), bytes: stat.size };
  } finally {
    await file.close();
  }
}

function metricName(metric: number): FaissSummary['metric'] {
  if (metric === INNER_PRODUCT) return 'inner product';
  return metric === 1 ? 'L2' : `metric ${metric}`;
}

/** INDEX_INVALID: what is wrong with the dense index at `path`. */
export function invalidIndex(path: string, fault: string): PortiereError {
  return new PortiereError('INDEX_INVALID', `${path} cannot be used as the dense index: ${fault}.`, {
    hint: 'Build it again: portiere index build',
  });
}
