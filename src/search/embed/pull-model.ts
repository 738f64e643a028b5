import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fromSystemError, PortiereError } from '../../errors.ts';
import { sync } from '../system/disk.ts';
import { pulledFolder } from './model-files.ts';
import { MANIFEST_FILE, type ModelManifest, readModelManifest, verifyModel } from './model-manifest.ts';
import { findModel, knownModels, modelFiles, type ModelSpec, type Precision } from './models.ts';

export interface Pull {
  readonly model: string;
  readonly precision: Precision;
  readonly cacheDir: string;
  readonly fetch: typeof globalThis.fetch;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Where the repositories are; huggingface.co by default. */
  readonly baseUrl?: string;
}

/** Bytes of one file so far; `total` is undefined where the server does not say. */
export interface PullProgress {
  readonly file: string;
  readonly received: number;
  readonly total: number | undefined;
}

export interface Pulled {
  readonly folder: string;
  readonly manifest: ModelManifest;
  /** False when a sound copy was there already. */
  readonly downloaded: boolean;
}

/**
 * Downloads a known model into the cache: all of it or nothing, with its digests beside it. MODEL_UNKNOWN,
 * DOWNLOAD_FAILED with the address and reason.
 */
export async function pullModel(pull: Pull): Promise<Pulled> {
  const spec = findModel(pull.model);
  if (!spec) {
    throw new PortiereError('MODEL_UNKNOWN', `There is no known embedding model ${pull.model}.`, {
      hint: `Known: ${knownModels.map(({ name }) => name).join(', ')}. "hashing" needs no download.`,
    });
  }
  const folder = pulledFolder({ cacheDir: pull.cacheDir, spec, precision: pull.precision });
  const there = await soundCopy(folder, spec, pull.precision);
  if (there) return { folder, manifest: there, downloaded: false };
  try {
    await mkdir(path.dirname(folder), { recursive: true });
    const fresh = await mkdtemp(`${folder}.pull-`);
    try {
      const manifest = await download(pull, spec, fresh);
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
      await sync(path.dirname(folder));
      return { folder, manifest, downloaded: true };
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  } catch (error) {
    throw fromSystemError(error, folder);
  }
}

async function soundCopy(
  folder: string,
  spec: ModelSpec,
  precision: Precision,
): Promise<ModelManifest | undefined> {
  try {
    const manifest = await readModelManifest(folder);
    if (!manifest || (spec.revision !== 'main' && manifest.revision !== spec.revision)) return undefined;
    await verifyModel(folder, modelFiles(precision));
    return manifest;
  } catch {
    return undefined;
  }
}

async function download(pull: Pull, spec: ModelSpec, folder: string): Promise<ModelManifest> {
  const base = pull.baseUrl ?? 'https://huggingface.co';
  const files: Record<string, { bytes: number; sha256: string }> = {};
  let revision = spec.revision;
  await mkdir(path.join(folder, 'onnx'));
  for (const file of modelFiles(pull.precision)) {
    const url = `${base}/${spec.repo}/resolve/${revision}/${file}`;
    const response = await request(pull, url);
    // A branch moves: whatever commit answers first is the one all files come from.
    const commit = response.headers.get('x-repo-commit');
    if (commit !== null && /^[0-9a-f]{40}$/.test(commit)) revision = commit;
    files[file] = await save({ pull, response, url, file, folder });
  }
  const manifest: ModelManifest = { format: 1, name: spec.name, repo: spec.repo, revision, files };
  await writeSynced(path.join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  await sync(path.join(folder, 'onnx'));
  await sync(folder);
  return manifest;
}

async function request({ fetch }: Pull, url: string): Promise<Response> {
  const response = await fetch(url).catch((error: unknown) => {
    throw failed(url, reasonOf(error), error);
  });
  if (!response.ok || !response.body) {
    throw failed(url, `the server answered ${response.status} ${response.statusText}`);
  }
  return response;
}

interface Saving {
  readonly pull: Pull;
  readonly response: Response;
  readonly url: string;
  readonly file: string;
  readonly folder: string;
}

async function save({
  pull,
  response,
  url,
  file,
  folder,
}: Saving): Promise<{ bytes: number; sha256: string }> {
  const total = announcedLength(response);
  const hash = createHash('sha256');
  let received = 0;
  const out = await open(path.join(folder, file), 'w');
  try {
    for await (const chunk of chunksOf(response, url)) {
      hash.update(chunk);
      await out.writeFile(chunk);
      received += chunk.length;
      pull.onProgress?.({ file, received, total });
    }
    await out.sync();
  } finally {
    await out.close();
  }
  if (total !== undefined && received !== total) {
    throw failed(url, `${received} of ${total} bytes arrived`);
  }
  return { bytes: received, sha256: hash.digest('hex') };
}

/** Says how long the file is, unless it travels compressed. */
function announcedLength({ headers }: Response): number | undefined {
  const length = Number(headers.get('content-length'));
  return headers.has('content-encoding') || !headers.has('content-length') ? undefined : length;
}

async function* chunksOf(response: Response, url: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw failed(url, reasonOf(error), error);
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const out = await open(file, 'w');
  try {
    await out.writeFile(text);
    await out.sync();
  } finally {
    await out.close();
  }
}

/** fetch says only "fetch failed"; what happened is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function failed(url: string, reason: string, cause?: unknown): PortiereError {
  return new PortiereError('DOWNLOAD_FAILED', `${url} could not be downloaded: ${reason}.`, {
    hint: 'Run portiere model pull again where that address can be reached, or copy the folder and name it by MODEL_DIR.',
    cause,
  });
}
