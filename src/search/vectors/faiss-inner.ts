import { open } from 'node:fs/promises';

/** Where FAISS keeps the number of lists to search; a u64. */
export const NPROBE_AT = 45;
/** Where the coarse quantiser begins. */
export const QUANTISER_AT = 53;

/** What an inverted file says of its lists. */
export interface IvfSummary {
  readonly nlist: number;
  readonly nprobe: number;
  /** Four-letter type of the index that finds the lists. */
  readonly quantiser: string;
  /** Bytes a row takes in its list; absent where the quantiser is none we can step over. */
  readonly codeSize?: number;
}

/** What a graph says of itself. */
export interface HnswSummary {
  readonly efConstruction: number;
  readonly efSearch: number;
  /** Where in the file efSearch is (i32). */
  readonly efSearchAt: number;
}

/** A few reads, whatever the size of the file; undefined where it does not hold together. */
export async function inspectLists(
  path: string,
  {
    fourcc,
    dimension,
    bytes,
  }: { readonly fourcc: string; readonly dimension: number; readonly bytes: number },
): Promise<IvfSummary | undefined> {
  const file = await open(path, 'r');
  try {
    const page = Buffer.alloc(4096);
    const { bytesRead } = await file.read(page, 0, page.length, 0);
    if (bytesRead < QUANTISER_AT + 4) return undefined;
    const [nlist, nprobe] = [page.readBigUInt64LE(37), page.readBigUInt64LE(NPROBE_AT)];
    if (nlist < 1n || nlist > BigInt(bytes) || nprobe < 1n || nprobe > 2n ** 32n) return undefined;
    const quantiser = page.toString('latin1', QUANTISER_AT, QUANTISER_AT + 4);
    const lists = { nlist: Number(nlist), nprobe: Number(nprobe), quantiser };
    if (quantiser !== 'IxFI' && quantiser !== 'IxF2') return lists;
    // After the centroids and an empty direct map: where the coding begins.
    const coding = QUANTISER_AT + 45 + lists.nlist * dimension * 4 + 9;
    const size = { IwFl: undefined, IwSq: coding + 20, IwPQ: coding + 1 }[fourcc];
    if (size === undefined) return fourcc === 'IwFl' ? { ...lists, codeSize: dimension * 4 } : lists;
    const { bytesRead: got } = await file.read(page, 0, 8, size);
    const codeSize = page.readBigUInt64LE(0);
    return got === 8 && codeSize <= BigInt(4 * dimension) ? { ...lists, codeSize: Number(codeSize) } : lists;
  } finally {
    await file.close();
  }
}

/** Sizes of the elements of the five arrays that come before a graph's numbers. */
const GRAPH_ARRAYS = [8, 4, 4, 8, 4];

/** Undefined as inspectLists, where its arrays lead out of the file. */
export async function inspectGraph(path: string, bytes: number): Promise<HnswSummary | undefined> {
  const file = await open(path, 'r');
  try {
    let position = 37;
    const read = Buffer.alloc(8);
    for (const size of GRAPH_ARRAYS) {
      const { bytesRead } = await file.read(read, 0, 8, position);
      const elements = read.readBigUInt64LE();
      if (bytesRead < 8 || elements > BigInt(bytes)) return undefined;
      position += 8 + Number(elements) * size;
    }
    // The entry point and the highest level come first.
    position += 8;
    const { bytesRead } = await file.read(read, 0, 8, position);
    if (bytesRead < 8) return undefined;
    const [efConstruction, efSearch] = [read.readInt32LE(0), read.readInt32LE(4)];
    return { efConstruction, efSearch, efSearchAt: position + 4 };
  } finally {
    await file.close();
  }
}
