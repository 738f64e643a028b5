import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { constrainedMemory, memoryUsage } from 'node:process';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { Embedder, EmbedderIdentity } from '../embed/embedder.ts';
import { type LexicalIndex, openLexical } from '../lexical/reader.ts';
import { ownWords, type WordArm, type WordEngine } from '../lexical/word-arm.ts';
import { ownVectors, type VectorArm, type VectorEngine } from '../stores/vector-arm.ts';
import type { DenseIndex } from '../vectors/dense.ts';
import { openDense, type DenseEngine } from '../vectors/open.ts';
import { passOver } from '../system/disk.ts';
import { checkCanaries } from './canaries.ts';
import { fileNames, type Manifest, readManifest } from './manifest.ts';
import { buildsFolder, publishedBuild } from './publish.ts';

/** A published build, open for searching. */
export interface OpenBuild {
  readonly manifest: Manifest;
  readonly lexical: LexicalIndex;
  /** What answers by words: the lexical index, or a search engine that holds this build. */
  readonly words: WordArm;
  /** What answers by vectors: the dense index, or a server that holds this build's. */
  readonly dense: VectorArm;
  /** Concept id of each row. */
  readonly conceptIds: Float64Array;
  close(): Promise<void>;
}

export interface OpenRequest {
  readonly pointer: string;
  readonly embedder: Embedder;
  readonly engine: DenseEngine;
  /** Lists of an inverted file to look into, instead of what it was built with. */
  readonly nprobe?: number | undefined;
  /** Neighbours a search of a graph keeps in view, instead of what it was built with. */
  readonly efSearch?: number | undefined;
  /** Default: the build's own full text. */
  readonly words?: WordEngine | undefined;
  /** Something else is served meanwhile. */
  readonly gently?: boolean | undefined;
  /** Default: the build's own dense index, by `engine`. */
  readonly vectors?: VectorEngine | undefined;
}

/** Opens the published build; INDEX_MISSING where there is none, INDEX_INVALID where it is not what it says. */
export async function openPublished(request: OpenRequest): Promise<OpenBuild> {
  const id = await publishedBuild(request.pointer);
  if (id === undefined) {
    throw new PortiereError('INDEX_MISSING', `No index is published at ${request.pointer}.`, {
      hint: 'Build one with: portiere index build',
    });
  }
  return await openBuild(path.join(buildsFolder(request.pointer), id), request);
}

/** Opens the build in a folder and checks that its files fit each other and the embedder. */
async function openBuild(folder: string, request: Omit<OpenRequest, 'pointer'>): Promise<OpenBuild> {
  const { embedder, words = ownWords, vectors } = request;
  const manifest = await readManifest(folder);
  refuseOtherModel(manifest, embedder.identity);
  await checkCanaries(manifest, embedder);
  if (request.gently === true) await readAhead(folder, request);
  const sidecar = await readFile(path.join(folder, fileNames.ids));
  const count = manifest.dense.count;
  if (sidecar.length !== count * 8)
    throw mismatch(manifest, `the id sidecar holds ${sidecar.length / 8} rows`, count);
  const conceptIds = await conceptIdsOf(sidecar);
  const lexical = openLexical(path.join(folder, fileNames.lexical));
  try {
    if (lexical.attributes.count !== count) {
      throw mismatch(manifest, `the lexical index holds ${lexical.attributes.count} rows`, count);
    }
    const dense =
      vectors === undefined
        ? ownVectors(await openVectors(folder, manifest, request))
        : await vectors({ id: manifest.id, file: flatFile(folder, manifest) });
    if (dense.count !== count || dense.dimension !== manifest.dense.dimension) {
      await dense.close();
      throw mismatch(manifest, `the dense file holds ${dense.count} rows of ${dense.dimension}`, count);
    }
    return {
      manifest,
      lexical,
      words: words({ id: manifest.id, lexical }),
      dense,
      conceptIds,
      async close() {
        lexical.close();
        await dense.close();
      },
    };
  } catch (error) {
    lexical.close();
    throw error;
  }
}

/**
 * Brings what opening a build reads into the system's cache: who answers searches from another build meanwhile must not
 * wait for a disk. Of what is larger than half of the memory that could hold it, the rest is read when it is needed.
 */
async function readAhead(
  folder: string,
  { engine, vectors }: Pick<OpenRequest, 'engine' | 'vectors'>,
): Promise<void> {
  // The system lets go of what it cached before, in a container within the container's limit.
  const limit = constrainedMemory() || Infinity;
  let room = Math.min(freemem(), limit - memoryUsage.rss()) / 2;
  const whole = vectors === undefined && engine !== 'file';
  for (const name of [fileNames.lexical, ...(whole ? [fileNames.dense] : [])]) {
    // What cannot be read is told by who needs it.
    room -= await passOver(path.join(folder, name), room).catch(() => 0);
  }
}

/** The dense index of a build, whatever its kind. */
export async function openVectors(
  folder: string,
  { files, dense: { rerank } }: Manifest,
  { engine, nprobe, efSearch, gently }: Pick<OpenRequest, 'engine' | 'nprobe' | 'efSearch' | 'gently'>,
): Promise<DenseIndex> {
  const vectors = fileNames.vectors in files ? path.join(folder, fileNames.vectors) : undefined;
  return await openDense(path.join(folder, fileNames.dense), {
    engine,
    vectors,
    nprobe,
    gently,
    efSearch,
    ...(rerank === 0 ? {} : { rerank }),
  });
}

/** The file that has every vector of a build, row by row; INDEX_INVALID where it has them in another form alone. */
export function flatFile(folder: string, { id, files, dense: { type } }: Manifest): string {
  if (fileNames.vectors in files) return path.join(folder, fileNames.vectors);
  if (type === 'Flat') return path.join(folder, fileNames.dense);
  throw new PortiereError(
    'INDEX_INVALID',
    `The build ${id} has its vectors in lists (${type}) alone, so no server can be loaded with them.`,
    { hint: 'Build it for the configured DENSE_ENGINE: portiere index build (what was embedded is kept).' },
  );
}

/** Rows converted before others get a turn. */
const rowsATurn = 50_000;

async function conceptIdsOf(sidecar: Buffer): Promise<Float64Array> {
  const ids = new Float64Array(sidecar.length / 8);
  for (let row = 0; row < ids.length; row++) {
    if (row % rowsATurn === 0) await new Promise(setImmediate);
    // Both halves are exact: an id is far below 2^53.
    ids[row] = sidecar.readUInt32LE(row * 8) + sidecar.readInt32LE(row * 8 + 4) * 2 ** 32;
  }
  return ids;
}

/** Vectors of another model, revision, pooling, precision or dimension mean nothing to this embedder. */
export function sameModel(a: EmbedderIdentity, b: EmbedderIdentity): boolean {
  return (
    a.provider === b.provider &&
    a.model === b.model &&
    a.digest === b.digest &&
    a.pooling === b.pooling &&
    a.precision === b.precision &&
    a.dimension === b.dimension
  );
}

/** INDEX_INVALID where a build's vectors are not of the configured model. */
export function refuseOtherModel(manifest: Manifest, identity: EmbedderIdentity): void {
  if (sameModel(manifest.embedding, identity)) return;
  const name = (one: EmbedderIdentity): string =>
    `${one.model} (${one.precision}, ${one.pooling}, ${one.dimension})`;
  throw new PortiereError(
    'INDEX_INVALID',
    `The build ${manifest.id} holds vectors of ${name(manifest.embedding)}, the configuration asks for ${name(identity)}.`,
    { hint: 'Build for the configured model with: portiere index build; or set EMBEDDING_MODEL back.' },
  );
}

function mismatch(manifest: Manifest, what: string, expected: number): PortiereError {
  return new PortiereError(
    'INDEX_INVALID',
    `The build ${manifest.id} is damaged: ${what}, its manifest says ${expected}.`,
    {
      hint: 'Build it again with: portiere index build',
    },
  );
}
