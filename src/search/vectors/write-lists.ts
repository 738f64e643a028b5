import { type FileHandle, open } from 'node:fs/promises';
import type { ListFile } from './build-task.ts';
import { type Crew, pieces } from './crew.ts';
import { codeSizeOf, encodeIvfHead, ID_BYTES, type IvfCoding, listOffsets } from './ivf-format.ts';
import type { Workshop } from './workshop.ts';

/** Bytes of codes, and rows, that one thread holds while it writes. */
const CODES_HELD = 24 * 2 ** 20;
const ROWS_HELD = 32_768;

export interface Writing {
  readonly target: string;
  readonly coding: IvfCoding;
  readonly nprobe: number;
  /** Told how many rows more are written. */
  readonly progress: (rows: number) => void;
}

/** Writes the inverted file of a workshop whose every row has its list; flushed to disk. */
export async function writeLists(shop: Workshop, crew: Crew, writing: Writing): Promise<void> {
  const { target, coding, nprobe, progress } = writing;
  const { dimension, count } = shop.header;
  const codeSize = codeSizeOf(coding, dimension);
  const { firstPlaces, sizes } = placeRows(shop);
  const centroids = centroidsOf(shop);
  const head = encodeIvfHead({ dimension, count, nprobe, centroids, coding, sizes });
  const file = await open(target, 'w');
  try {
    await file.truncate(head.length + count * (codeSize + ID_BYTES));
    const into: ListFile = { path: target, listsAt: head.length, firstPlaces, coding };
    const rows = Math.min(ROWS_HELD, Math.ceil(CODES_HELD / codeSize));
    await crew.run(
      pieces(count, rows).map((piece) => ({ kind: 'write', ...piece, into })),
      (task) => {
        if (task.kind === 'write') progress(task.to - task.from);
      },
    );
    await writeIds(file, shop, { listsAt: head.length, sizes, codeSize });
    // The head last: until then this is no index.
    await writeAll(file, head, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Rows stand in their list in row order. */
function placeRows({ book, lists, places }: Workshop): {
  readonly firstPlaces: Uint32Array;
  readonly sizes: Uint32Array;
} {
  const sizes = new Uint32Array(book.centroids);
  for (const list of lists) sizes[list]! += 1;
  const firstPlaces = new Uint32Array(book.centroids + 1);
  for (const [list, size] of sizes.entries()) firstPlaces[list + 1] = firstPlaces[list]! + size;
  const next = firstPlaces.slice();
  for (const [row, list] of lists.entries()) {
    places[row] = next[list]!;
    next[list]! += 1;
  }
  return { firstPlaces, sizes };
}

function centroidsOf({ memory, header, book }: Workshop): Float32Array {
  const { dimension } = header;
  const floats = new Float32Array(memory.buffer);
  const centroids = new Float32Array(book.centroids * dimension);
  for (let list = 0; list < book.centroids; list += 1) {
    const from = (book.centroidsAt + list * book.stride) / 4;
    centroids.set(floats.subarray(from, from + dimension), list * dimension);
  }
  return centroids;
}

interface Lists {
  readonly listsAt: number;
  readonly sizes: Uint32Array;
  readonly codeSize: number;
}

async function writeIds(
  file: FileHandle,
  shop: Workshop,
  { listsAt, sizes, codeSize }: Lists,
): Promise<void> {
  const rowAt = new Uint32Array(shop.places.length);
  for (const [row, place] of shop.places.entries()) rowAt[place] = row;
  const offsets = listOffsets(sizes, codeSize);
  let place = 0;
  for (const [list, size] of sizes.entries()) {
    if (size === 0) continue;
    const ids = BigInt64Array.from(rowAt.subarray(place, place + size), BigInt);
    await writeAll(file, new Uint8Array(ids.buffer), listsAt + offsets[list]! + size * codeSize);
    place += size;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
