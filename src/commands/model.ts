import { PortiereError } from '../errors.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import { locateModel } from '../search/embed/model-files.ts';
import { verifyModel } from '../search/embed/model-manifest.ts';
import { modelFiles } from '../search/embed/models.ts';
import { pullModel } from '../search/embed/pull-model.ts';
import { openProject } from './context.ts';
import { modelRequest } from './embedder.ts';

export interface ModelOptions extends GlobalOptions {
  readonly model?: string;
}

/** Downloads a model into the cache, whole or not at all; the only command that downloads one. */
export async function pull(ports: Ports, options: ModelOptions): Promise<Outcome> {
  const request = await requestOf(ports, options);
  if (options.dryRun === true) {
    const { model, precision, cacheDir } = request;
    return {
      data: { would_pull: { model, precision, cache: cacheDir } },
      view: [`Would download ${model} (${precision}) into ${cacheDir}, unless it is there and sound.`],
    };
  }
  const { folder, manifest, downloaded } = await ports.reporter.step(
    `Pull ${request.model} (${request.precision})`,
    async (progress) =>
      await pullModel({
        ...request,
        fetch,
        onProgress: ({ file, received, total }) => {
          progress.update(received, total, `bytes of ${file}`);
        },
      }),
  );
  return {
    data: { folder, downloaded, manifest },
    view: [`${request.model} is in ${folder}${downloaded ? '' : ' already, and sound'}.`],
  };
}

/** Hashes the model's files again and compares; MODEL_DIGEST names what differs. */
export async function verify(ports: Ports, options: ModelOptions): Promise<Outcome> {
  const request = await requestOf(ports, options);
  const { folder } = await locateModel(request);
  const files = modelFiles(request.precision);
  const digests = await ports.reporter.step(`Verify ${folder}`, async () => await verifyModel(folder, files));
  return { data: { folder, digests }, view: [`${request.model} in ${folder} is what it should be.`] };
}

async function requestOf(ports: Ports, options: ModelOptions): Promise<ReturnType<typeof modelRequest>> {
  const request = modelRequest(ports, await openProject(ports, options));
  const model = options.model ?? request.model;
  if (model !== 'hashing') return { ...request, model };
  throw new PortiereError('MODEL_UNKNOWN', 'The hashing embedder has no model to fetch or verify.', {
    hint: 'Name one, such as: portiere model pull all-MiniLM-L6-v2; or set EMBEDDING_MODEL.',
  });
}
