import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityOf } from '../../../src/search/embed/identity.ts';
import { locateModel } from '../../../src/search/embed/model-files.ts';
import { verifyModel } from '../../../src/search/embed/model-manifest.ts';
import { pullModel } from '../../../src/search/embed/pull-model.ts';
import { modelFiles } from '../../../src/search/embed/models.ts';

const model = 'cambridgeltl/SapBERT-from-PubMedBERT-fulltext';
const commit = 'a'.repeat(40);
const content = (file: string) => Buffer.from(`content of ${file}`);

let cacheDir: string;
let server: Server;
let baseUrl: string;
let asked: string[];
/** What the server does instead of serving a file. */
let fault: { readonly file: string; readonly status?: number; readonly cutAt?: number } | undefined;

beforeEach(async () => {
  cacheDir = await mkdtemp(path.join(tmpdir(), 'portiere-pull-'));
  asked = [];
  fault = undefined;
  server = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push(url);
    const file = url.split('/').slice(5).join('/');
    const body = content(file);
    if (fault?.file === file && fault.status) {
      response.writeHead(fault.status).end('no');
      return;
    }
    response.writeHead(200, { 'content-length': body.length, 'x-repo-commit': commit });
    if (fault?.file === file && fault.cutAt) {
      response.write(body.subarray(0, fault.cutAt), () => response.destroy());
      return;
    }
    response.end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await rm(cacheDir, { recursive: true, force: true });
});

const pull = () => pullModel({ model, precision: 'int8', cacheDir, fetch, baseUrl });

describe('pulling a model', () => {
  it('leaves every file with its digest, found by locating it', async () => {
    const seen: string[] = [];
    const { folder, manifest, downloaded } = await pullModel({
      model,
      precision: 'int8',
      cacheDir,
      fetch,
      baseUrl,
      onProgress: ({ file, received, total }) => seen.push(`${file} ${received}/${total}`),
    });
    expect(downloaded).toBe(true);
    const files = modelFiles('int8');
    expect(Object.keys(manifest.files)).toEqual(files);
    for (const file of files) {
      const bytes = await readFile(path.join(folder, file));
      expect(bytes).toEqual(content(file));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(manifest.files[file]).toEqual({ bytes: bytes.length, sha256 });
      expect(seen).toContain(`${file} ${bytes.length}/${bytes.length}`);
    }
    expect((await locateModel({ model, precision: 'int8', cacheDir })).folder).toBe(folder);
    await expect(verifyModel(folder, files)).resolves.toHaveProperty('size', files.length);
    expect(JSON.parse(await readFile(path.join(folder, 'portiere-model.json'), 'utf8'))).toEqual(manifest);
  });

  it('takes all files from the commit that answered first', async () => {
    const { manifest } = await pull();
    expect(manifest.revision).toBe(commit);
    const repo = '/Xenova/SapBERT-from-PubMedBERT-fulltext/resolve';
    expect(asked[0]).toBe(`${repo}/main/config.json`);
    expect(asked.slice(1).every((url) => url.startsWith(`${repo}/${commit}/`))).toBe(true);
  });

  it('leaves a model that is told from others by its files, without being loaded', async () => {
    const { folder } = await pull();
    const request = { model, precision: 'int8', cacheDir } as const;
    const identity = await identityOf(request);
    expect(identity).toMatchObject({ provider: 'transformers', model, revision: commit, precision: 'int8' });
    await rm(path.join(folder, 'portiere-model.json'));
    expect(await identityOf(request)).toEqual({ ...identity, revision: 'local' });
    await writeFile(path.join(folder, 'config.json'), 'tampered');
    expect((await identityOf(request)).digest).not.toBe(identity.digest);
  });

  it('downloads nothing where a sound copy is, and everything again where it is damaged', async () => {
    const { folder } = await pull();
    asked = [];
    expect((await pull()).downloaded).toBe(false);
    expect(asked).toEqual([]);
    await writeFile(path.join(folder, 'config.json'), 'tampered');
    await expect(verifyModel(folder, modelFiles('int8'))).rejects.toMatchObject({
      code: 'MODEL_DIGEST',
      message: expect.stringContaining('config.json'),
    });
    expect((await pull()).downloaded).toBe(true);
    expect(await readFile(path.join(folder, 'config.json'))).toEqual(content('config.json'));
  });

  it.each([
    ['refuses', { file: 'tokenizer.json', status: 404 }, '404'],
    ['breaks off', { file: 'onnx/model_quantized.onnx', cutAt: 5 }, 'model_quantized.onnx'],
  ])('leaves nothing when the server %s', async (_, broken, named) => {
    fault = broken;
    await expect(pull()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(named),
    });
    expect(await readdir(path.join(cacheDir, 'cambridgeltl', 'SapBERT-from-PubMedBERT-fulltext'))).toEqual(
      [],
    );
  });

  it('names the address that cannot be reached', async () => {
    const unreachable = 'http://127.0.0.1:1';
    await expect(
      pullModel({ model, precision: 'fp32', cacheDir, fetch, baseUrl: unreachable }),
    ).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(unreachable),
    });
  });

  it('refuses a model it does not know', async () => {
    await expect(
      pullModel({ model: 'mine', precision: 'fp32', cacheDir, fetch, baseUrl }),
    ).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
    });
    expect(asked).toEqual([]);
  });
});
