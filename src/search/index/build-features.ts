import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { fromSystemError, PortiereError } from '../../errors.ts';
import type { Progress } from '../../ports.ts';
import type { Features } from '../features/open.ts';
import { replaceFile, sync } from '../system/disk.ts';
import { createFlatWriter } from '../vectors/flat-writer.ts';
import { readFlatHeader } from '../vectors/faiss-header.ts';
import { openRows, strideOf } from '../vectors/flat-rows.ts';
import { planWish } from './dense-plan.ts';
import { openDraft } from './draft.ts';
import { type DenseWish, fileNames, fingerprints, indexFormat, type Manifest } from './manifest.ts';
import { buildDenseIndex, describeDense, spread } from './stages/dense.ts';

export interface FeaturesRequest {
  readonly features: Features;
  readonly label: string;
  /** sha256 of the file, hex. */
  readonly digest: string;
  readonly dense: DenseWish;
  readonly threads: number;
  /** The build goes into `builds/<id>/` beside it. */
  readonly pointer: string;
  readonly version: string;
  readonly now: Date;
  readonly progress: Progress;
}

/** What a build of somebody else's vectors is made of: no texts, no model. */
export interface FeaturesManifest extends Pick<
  Manifest,
  'format' | 'id' | 'created_at' | 'portiere' | 'dense' | 'files'
> {
  readonly source: {
    readonly label: string;
    readonly digest: string;
    readonly vectors: string;
    readonly ids: string | null;
  };
}

/** How far a question is from the row that it is made of. */
const blur = 0.3;

/** Builds a FAISS index of given vectors, of L2 norm 1 each, and a file with the id of each row; nothing is published. */
export async function buildFeatures(request: FeaturesRequest): Promise<FeaturesManifest> {
  const { features, digest, dense, pointer, version, now, progress, threads } = request;
  const { count, dimension, names } = features;
  const plan = planWish(dense, { count, dimension });
  const recipe = JSON.stringify(['features', indexFormat, version, digest, names, dense]);
  const draft = await openDraft(pointer, { recipe, digest, now });
  const { folder } = draft;
  const file = path.join(folder, plan.type === 'Flat' ? fileNames.dense : fileNames.vectors);
  try {
    await draft.once('vectors', async () => await writeFeatures(request, { folder, file }));
    const questions = async (): Promise<Float32Array> =>
      blurred(await rowsOf(file, spread(count), dimension), dimension);
    const figures = await draft.once(
      'dense',
      async () =>
        await buildDenseIndex({ folder, plan, quality: dense.quality, threads, questions, progress }),
    );
    if (plan.type === 'IVFFlat') await rm(file, { force: true });
    const manifest: FeaturesManifest = {
      format: indexFormat,
      id: draft.id,
      created_at: draft.begun,
      portiere: version,
      source: { label: request.label, digest, vectors: names.vectors, ids: names.ids ?? null },
      dense: describeDense({ plan, wish: dense, dimension, count }, figures),
      files: await fingerprints(folder),
    };
    await replaceFile(path.join(folder, fileNames.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await draft.finish([...Object.keys(manifest.files), fileNames.manifest]);
    await sync(folder);
    return manifest;
  } catch (error) {
    if (!draft.worthKeeping()) await rm(folder, { recursive: true, force: true });
    throw fromSystemError(error, folder);
  }
}

async function writeFeatures(
  { features, progress }: FeaturesRequest,
  { folder, file }: { readonly folder: string; readonly file: string },
): Promise<{ rows: number }> {
  const { count, dimension, ids } = features;
  const flat = await createFlatWriter(file, { dimension });
  let finished = false;
  try {
    let rows = 0;
    for await (const chunk of features.chunks()) {
      await flat.append(chunk);
      rows += chunk.length / dimension;
      progress.update(rows, count, 'vectors read');
      await new Promise(setImmediate);
    }
    const lines =
      ids === undefined ? Array.from({ length: count }, (_, row) => String(row)) : ids.map(String);
    refuseLineBreaks(lines);
    await writeFile(path.join(folder, fileNames.ids), `${lines.join('\n')}\n`, { flush: true });
    finished = true;
    return { rows: await flat.finish() };
  } finally {
    if (!finished) await flat.abandon();
  }
}

/** One id a line is what every tool can read. */
function refuseLineBreaks(ids: readonly string[]): void {
  const broken = ids.findIndex((id) => /[\r\n]/.test(id));
  if (broken < 0) return;
  throw new PortiereError('FEATURES_INVALID', `The id of row ${broken} holds a line break.`, {
    hint: 'Ids are written one a line: give them without line breaks.',
  });
}

async function rowsOf(file: string, rows: readonly number[], dimension: number): Promise<Float32Array> {
  const stored = openRows(await readFlatHeader(file));
  try {
    const vectors = new Float32Array(rows.length * dimension);
    const padded = new Float32Array(strideOf(dimension) / 4);
    for (const [at, row] of rows.entries()) {
      stored.read(row, 1, new Uint8Array(padded.buffer));
      vectors.set(padded.subarray(0, dimension), at * dimension);
    }
    return vectors;
  } finally {
    stored.close();
  }
}

/** Each vector moved a little towards the next one, its norm 1 again: near a row, and not on it. */
function blurred(vectors: Float32Array, dimension: number): Float32Array {
  const moved = vectors.map((value, at) => value + blur * vectors[(at + dimension) % vectors.length]!);
  for (let start = 0; start < moved.length; start += dimension) {
    const row = moved.subarray(start, start + dimension);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (norm > 0) for (let at = 0; at < dimension; at += 1) row[at]! /= norm;
  }
  return moved;
}
