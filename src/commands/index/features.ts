import os from 'node:os';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { Outcome, Ports } from '../../ports.ts';
import { type Features, openFeatures } from '../../search/features/open.ts';
import { buildFeatures, type FeaturesManifest } from '../../search/index/build-features.ts';
import { fingerprint } from '../../search/index/manifest.ts';
import { publish, sweep } from '../../search/index/publish.ts';
import { type Project, underLease } from '../context.ts';
import type { IndexBuildOptions } from './options.ts';
import { fileWish } from './publish.ts';
import { thousands } from '../thousands.ts';

/** Whether `--source` names a file of vectors. */
export function isFeatures(source: string | undefined): boolean {
  return source !== undefined && /\.(?:h5|hdf5)$/iu.test(source);
}

/**
 * Builds a FAISS index of the vectors in an HDF5 file and publishes it in a folder of its own, where
 * `dense.faiss` is the link to it: somebody else's program searches it.
 */
export async function buildFromFeatures(
  ports: Ports,
  project: Project,
  { source = '', out, vectors, ids, dryRun }: IndexBuildOptions,
): Promise<Outcome> {
  const file = path.resolve(ports.caller.cwd, source);
  if (out === undefined) {
    throw new PortiereError('USAGE', 'An index of given vectors needs a folder of its own.', {
      hint: `Name one: portiere index build --source ${source} --out features-index`,
    });
  }
  const pointer = path.join(path.resolve(ports.caller.cwd, out), 'dense.faiss');
  const features = await openFeatures(file, {
    normalise: true,
    ...(vectors === undefined ? {} : { vectors }),
    ...(ids === undefined ? {} : { ids }),
  });
  try {
    if (dryRun === true) {
      const { count, dimension, names } = features;
      return {
        data: { would_build: { source: file, count, dimension, ...names, pointer } },
        view: [
          `Would build an index of ${count} vectors of ${dimension} from ${file}, published at ${pointer}.`,
        ],
      };
    }
    return await underLease(ports, project, 'index build', async () => {
      const manifest = await ports.reporter.step(`Build an index of ${file}`, async (progress) => {
        const { sha256: digest } = await fingerprint(file);
        const now = ports.clock.now();
        const threads = os.availableParallelism();
        const { version } = ports.self;
        const dense = fileWish(project);
        return await buildFeatures({
          features,
          label: file,
          digest,
          dense,
          threads,
          pointer,
          version,
          now,
          progress,
        });
      });
      await publish(pointer, manifest.id);
      await sweep(pointer, { keep: project.config.settings.INDEX_KEEP });
      return { data: manifest, view: [told(manifest, features, pointer)] };
    });
  } finally {
    features.close();
  }
}

function told({ id, dense }: FeaturesManifest, { names, ids }: Features, pointer: string): string {
  const kind =
    dense.nlist === null ? dense.type : `${dense.type}, ${dense.nlist} lists, nprobe ${dense.nprobe}`;
  const named = ids === undefined ? 'ids are row numbers' : `ids from ${names.ids}`;
  return `Published build ${id} at ${pointer}: ${thousands(dense.count)} vectors of ${dense.dimension} from ${names.vectors}, ${named}; ${kind}.`;
}
