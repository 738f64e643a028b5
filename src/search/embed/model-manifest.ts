import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PortiereError } from '../../errors.ts';

/** Name of the file a pull leaves beside the model's files. */
export const MANIFEST_FILE = 'portiere-model.json';

/** What was downloaded, from where. */
export interface ModelManifest {
  readonly format: 1;
  readonly name: string;
  readonly repo: string;
  /** The commit that answered, or the branch where the server did not say. */
  readonly revision: string;
  /** Bytes and SHA-256 (hex) by path within the folder. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** The manifest of a pulled folder; undefined for a folder that was put there by hand; MODEL_DIGEST when broken. */
export async function readModelManifest(folder: string): Promise<ModelManifest | undefined> {
  const file = path.join(folder, MANIFEST_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const manifest = JSON.parse(text) as ModelManifest;
    if (manifest.format === 1 && typeof manifest.files === 'object') return manifest;
  } catch (error) {
    throw broken(`${file} is not JSON`, error);
  }
  throw broken(`${file} is not a model manifest`);
}

/**
 * Hashes files of a model's folder and compares them with its manifest where it has one: SHA-256 (hex) by
 * path. MODEL_DIGEST names the first file that differs.
 */
export async function verifyModel(
  folder: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const manifest = await readModelManifest(folder);
  const digests = new Map<string, string>();
  for (const file of files) {
    const digest = await sha256(path.join(folder, file));
    if (manifest && manifest.files[file]?.sha256 !== digest) {
      throw broken(`${path.join(folder, file)} is not what was downloaded`);
    }
    digests.set(file, digest);
  }
  return digests;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 }))
      hash.update(chunk as Buffer);
  } catch (error) {
    throw broken(`${file} cannot be read`, error);
  }
  return hash.digest('hex');
}

function broken(fault: string, cause?: unknown): PortiereError {
  return new PortiereError('MODEL_DIGEST', `The embedding model is damaged: ${fault}.`, {
    hint: 'Download it again: portiere model pull',
    cause,
  });
}
