import { createHash } from 'node:crypto';

import { fromSystemError } from '../../errors.ts';
import type { EmbedderIdentity } from './embedder.ts';
import { hashingEmbedder } from './hashing.ts';
import { type LocatedModel, locateModel, type ModelPlaces } from './model-files.ts';
import { readModelManifest, verifyModel } from './model-manifest.ts';
import { modelFiles, type Precision } from './models.ts';

/**
 * What the configured model's vectors are told from others' by; the model is read and not loaded. MODEL_UNKNOWN,
 * MODEL_MISSING, MODEL_DIGEST, PERMISSION_DENIED.
 */
export async function identityOf(request: ModelPlaces): Promise<EmbedderIdentity> {
  if (request.model === 'hashing') return hashingEmbedder().identity;
  try {
    return await modelIdentity(await locateModel(request), request.precision);
  } catch (error) {
    throw fromSystemError(error, request.model);
  }
}

/** The same of a model whose place is known. */
export async function modelIdentity(
  { folder, spec }: LocatedModel,
  precision: Precision,
): Promise<EmbedderIdentity> {
  const digests = await verifyModel(folder, modelFiles(precision));
  const manifest = await readModelManifest(folder);
  return {
    provider: 'transformers',
    model: spec.name,
    revision: manifest?.revision ?? 'local',
    pooling: spec.pooling,
    precision,
    dimension: spec.dimension,
    maxLength: spec.maxLength,
    digest: digestOf(digests),
  };
}

function digestOf(digests: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [file, digest] of digests) hash.update(`${digest}  ${file}\n`);
  return hash.digest('hex');
}
