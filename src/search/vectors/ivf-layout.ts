import { closeSync, openSync } from 'node:fs';
import { FLAT_HEADER_BYTES, inspectFaiss, invalidIndex } from './faiss-header.ts';
import { QUANTISER_AT } from './faiss-inner.ts';
import { readFully } from './flat-rows.ts';
import { codeSizeOf, ID_BYTES, type IvfCoding, type IvfHead, QT_8BIT } from './ivf-format.ts';

/** An inverted file as read: its head, and where its first list begins. */
export interface IvfLayout extends IvfHead {
  readonly path: string;
  readonly listsAt: number;
}

/**
 * Reads and checks all of an inverted file (`IwFl`, `IwSq` or `IwPQ`, inner product, flat quantiser) but its
 * lists; INDEX_INVALID names the fault. Never takes more memory than the file has bytes.
 */
export async function readIvfLayout(path: string): Promise<IvfLayout> {
  const { fourcc, metric, dimension, count, trained, bytes } = await inspectFaiss(path);
  if (metric !== 'inner product') throw invalidIndex(path, `its metric is ${metric}, not inner product`);
  if (!trained) throw invalidIndex(path, 'it says it is not trained');
  const file = openSync(path, 'r');
  try {
    const reader = createReader({ file, path, bytes });
    reader.skip(37);
    const [nlist, nprobe] = [reader.whole('number of lists'), reader.whole('nprobe')];
    if (nlist < 1) throw invalidIndex(path, 'it has no lists');
    if (nprobe < 1) throw invalidIndex(path, `it searches ${nprobe} lists`);
    const centroids = readQuantiser(reader, { path, dimension, nlist });
    if (reader.byte() !== 0 || reader.whole('direct map') !== 0) {
      throw invalidIndex(path, 'it has a direct map, which cannot be searched here');
    }
    const coding = readCoding(reader, { path, fourcc, dimension });
    const sizes = readSizes(reader, { path, nlist, codeSize: codeSizeOf(coding, dimension) });
    const held = sizes.reduce((sum, size) => sum + size, 0);
    if (held !== count) throw invalidIndex(path, `its lists hold ${held} rows where it announces ${count}`);
    const due = reader.at() + count * (codeSizeOf(coding, dimension) + ID_BYTES);
    if (bytes !== due) {
      const fault = bytes < due ? 'it is cut short' : 'it has bytes after its end';
      throw invalidIndex(path, `${fault}: ${bytes} bytes where ${due} are due`);
    }
    const searched = Math.min(nprobe, nlist);
    return { path, dimension, count, nprobe: searched, centroids, coding, sizes, listsAt: reader.at() };
  } finally {
    closeSync(file);
  }
}

interface Reader {
  at(): number;
  skip(bytes: number): void;
  take(bytes: number): Buffer;
  byte(): number;
  /** A u64 that cannot be more than the file has bytes. */
  readonly whole: (name: string) => number;
  floats(count: number): Float32Array;
}

function createReader(given: {
  readonly file: number;
  readonly path: string;
  readonly bytes: number;
}): Reader {
  const { file, path, bytes } = given;
  let position = 0;
  const take = (length: number) => {
    if (position + length > bytes) throw invalidIndex(path, 'it is cut short');
    // Aligned, so that numbers may be viewed in it.
    const into = Buffer.from(new ArrayBuffer(length));
    readFully({ file, into, position, path });
    position += length;
    return into;
  };
  return {
    at: () => position,
    skip: (length) => {
      position += length;
    },
    take,
    byte: () => take(1)[0]!,
    whole: (name) => {
      const value = take(8).readBigUInt64LE();
      if (value > BigInt(bytes)) throw invalidIndex(path, `its ${name} is ${value}`);
      return Number(value);
    },
    floats(count) {
      const taken = take(4 * count);
      const values = new Float32Array(taken.buffer, 0, count);
      if (!values.every(Number.isFinite)) throw invalidIndex(path, 'it holds a number that is not finite');
      return values;
    },
  };
}

function readQuantiser(
  reader: Reader,
  { path, dimension, nlist }: { readonly path: string; readonly dimension: number; readonly nlist: number },
): Float32Array {
  const head = reader.take(FLAT_HEADER_BYTES);
  const kind = head.toString('latin1', 0, 4);
  if (kind !== 'IxFI') {
    throw invalidIndex(path, `the quantiser of its lists is "${kind}", not "IxFI" (flat, inner product)`);
  }
  const floats = head.readBigUInt64LE(37);
  if (
    head.readInt32LE(4) !== dimension ||
    head.readBigInt64LE(8) !== BigInt(nlist) ||
    floats !== BigInt(nlist) * BigInt(dimension)
  ) {
    throw invalidIndex(path, `its quantiser (at byte ${QUANTISER_AT}) does not fit ${nlist} lists`);
  }
  return reader.floats(nlist * dimension);
}

function readCoding(
  reader: Reader,
  { path, fourcc, dimension }: { readonly path: string; readonly fourcc: string; readonly dimension: number },
): IvfCoding {
  if (fourcc === 'IwFl') return { kind: 'flat' };
  if (fourcc === 'IwPQ') {
    const byResidual = flag(reader, path);
    const [codeSize, width, segments, bits] = ['code size', 'dimension', 'segments', 'bits'].map(
      reader.whole,
    );
    const length = reader.whole('codebook');
    const fits = width === dimension && bits === 8 && codeSize === segments && length === 256 * dimension;
    if (!fits || !segments || dimension % segments !== 0) {
      throw invalidIndex(
        path,
        `its product quantiser (${segments} segments of ${bits} bits) is none we know`,
      );
    }
    return { kind: 'pq', segments, codebook: reader.floats(length), byResidual };
  }
  if (fourcc !== 'IwSq') throw invalidIndex(path, `its type is "${fourcc}", not an inverted file we know`);
  const quantiser = reader.take(12).readInt32LE(0);
  const [width, codeSize, trained] = ['dimension', 'code size', 'ranges'].map((name) => reader.whole(name));
  if (quantiser !== QT_8BIT || width !== dimension || codeSize !== dimension || trained !== 2 * dimension) {
    throw invalidIndex(path, `its scalar quantiser (kind ${quantiser}) is not the 8-bit one`);
  }
  const [lowest, range] = [reader.floats(dimension), reader.floats(dimension)];
  if (reader.whole('code size') !== dimension) throw invalidIndex(path, 'its code sizes differ');
  return { kind: 'sq8', lowest, range, byResidual: flag(reader, path) };
}

function flag(reader: Reader, path: string): boolean {
  const value = reader.byte();
  if (value > 1) throw invalidIndex(path, `its "by residual" flag is ${value}`);
  return value === 1;
}

function readSizes(
  reader: Reader,
  { path, nlist, codeSize }: { readonly path: string; readonly nlist: number; readonly codeSize: number },
): Uint32Array {
  const kind = reader.take(4).toString('latin1');
  if (kind !== 'ilar') throw invalidIndex(path, `its lists are of kind "${kind}", not "ilar"`);
  const [lists, size] = [reader.whole('number of lists'), reader.whole('code size')];
  if (lists !== nlist || size !== codeSize) {
    throw invalidIndex(path, `its ${lists} lists of ${size}-byte codes do not fit its head`);
  }
  const form = reader.take(4).toString('latin1');
  if (form !== 'full' && form !== 'sprs') throw invalidIndex(path, `its lists are written as "${form}"`);
  const length = reader.whole('number of list sizes');
  if (form === 'full' ? length !== nlist : length % 2 !== 0 || length > 2 * nlist) {
    throw invalidIndex(path, `it has ${length} list sizes for ${nlist} lists`);
  }
  const values = new BigUint64Array(reader.take(8 * length).buffer);
  const sizes = new Uint32Array(nlist);
  const put = (list: bigint, rows: bigint) => {
    if (list >= BigInt(nlist) || rows >= 2n ** 32n) {
      throw invalidIndex(path, `it says list ${list} of ${nlist} has ${rows} rows`);
    }
    sizes[Number(list)] = Number(rows);
  };
  for (let at = 0; at < length; at += form === 'full' ? 1 : 2) {
    if (form === 'full') put(BigInt(at), values[at]!);
    else put(values[at]!, values[at + 1]!);
  }
  return sizes;
}
