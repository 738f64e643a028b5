import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { EmbedderIdentity } from '../embed/embedder.ts';
import type { VectorStore } from '../stores/vector-store.ts';
import type { DenseType } from '../vectors/plan.ts';

/** Version of the manifest and of the files beside it; another one is refused. */
export const indexFormat = 3;

/** Names of a build's files inside `builds/<id>/`. */
export const fileNames = {
  dense: 'dense.faiss',
  vectors: 'vectors.faiss',
  ids: 'ids',
  lexical: 'lexical',
  manifest: 'manifest.json',
} as const;

/** What the operator asks of the dense index. */
export interface DenseWish {
  /** `auto` leaves it to the number of vectors and the memory. */
  readonly type: 'auto' | DenseType;
  readonly quality: 'standard' | 'high';
  /** Bytes that the dense index may take in the memory of one process that searches it; 0: a server searches it. */
  readonly memory: number;
  /** Lists of an inverted file; undefined leaves it to the number of vectors. */
  readonly nlist?: number | undefined;
  /** The server that searches the vectors; undefined: whoever has the file. */
  readonly engine?: VectorStore['engine'] | undefined;
}

/** What a build is made of. A folder without one is no build. */
export interface Manifest {
  readonly format: number;
  readonly id: string;
  readonly created_at: string;
  readonly portiere: string;
  readonly source: {
    readonly kind: 'bundle' | 'database';
    readonly label: string;
    readonly digest: string;
    /** Of the download's files when they were read; null for a database. */
    readonly stamp: string | null;
    readonly version: string | null;
    readonly select: readonly string[];
    readonly unusable_rows: number;
  };
  /** sha256 of all that its bytes follow from. */
  readonly recipe: string;
  readonly embedding: EmbedderIdentity;
  /** Texts embedded as queries are, to show an embedder that computes otherwise: base64 of float32. */
  readonly canaries: readonly { readonly text: string; readonly vector: string }[];
  readonly dense: {
    readonly type: DenseType;
    readonly metric: 'inner_product';
    readonly dimension: number;
    readonly count: number;
    /** Lists of an inverted file, and how many of them a search looks into. */
    readonly nlist: number | null;
    readonly nprobe: number | null;
    /** Candidates that are looked at exactly; 0: none need to be. */
    readonly rerank: number;
    /** Measured when it was built; null where every row is looked at. */
    readonly recall_at_10: number | null;
    /** Why this kind. */
    readonly reason: string;
    /** What was asked for. */
    readonly wish: DenseWish;
  };
  readonly lexical: {
    readonly engine: 'sqlite-fts5';
    readonly format: number;
    readonly terms: number;
    /** sha256 over the concept id and the text of each term, in row order. */
    readonly texts: string;
  };
  readonly counts: {
    readonly concepts: number;
    readonly names: number;
    readonly synonyms: number;
    readonly mappings: number;
    readonly ancestors: number;
    /** Texts with nothing to embed: found by words and codes, never by vector. */
    readonly zero_vectors: number;
    readonly vocabularies: Readonly<Record<string, number>>;
  };
  /** Name -> size in bytes and sha256, of every other file of the build. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** Reads the manifest in a build's folder; INDEX_INVALID where it is damaged or of another format. */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = path.join(folder, fileNames.manifest);
  const rebuild = { hint: 'Build the index again with: portiere index build' };
  let parsed: Partial<Manifest>;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8')) as Partial<Manifest>;
    if (parsed === null || typeof parsed !== 'object') throw new TypeError('not an object');
  } catch (error) {
    throw new PortiereError('INDEX_INVALID', `The manifest ${file} is missing or damaged.`, {
      ...rebuild,
      cause: error,
    });
  }
  if (parsed.format !== indexFormat) {
    throw new PortiereError(
      'INDEX_INVALID',
      `The build in ${folder} has format ${String(parsed.format)}; this portiere reads ${indexFormat}.`,
      rebuild,
    );
  }
  const { dense, embedding, counts, canaries, files } = parsed;
  if ([dense, embedding, counts, canaries, files].includes(undefined)) {
    throw new PortiereError('INDEX_INVALID', `The manifest ${file} lacks its main parts.`, rebuild);
  }
  return parsed as Manifest;
}

/** Size and sha256 of a file, read once. */
export async function fingerprint(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return { bytes: (await stat(file)).size, sha256: hash.digest('hex') };
}

/** The same of every file that a folder of a build has beside its manifest. */
export async function fingerprints(folder: string): Promise<Manifest['files']> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  const there = new Set(await readdir(folder));
  for (const name of [fileNames.dense, fileNames.vectors, fileNames.ids, fileNames.lexical]) {
    if (there.has(name)) files[name] = await fingerprint(path.join(folder, name));
  }
  return files;
}
