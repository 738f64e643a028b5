import path from 'node:path';

import type { Ports } from '../../ports.ts';
import type { LoadCheckpoint, LoadPoint } from '../../search/populate/elasticsearch-checkpoint.ts';

/** How far a load of a build's words or vectors is, in the build's own folder, for the next command to go on from. */
export function loadCheckpoint({ files }: Ports, folder: string, what: 'words' | 'vectors'): LoadCheckpoint {
  const file = path.join(folder, { words: 'elasticsearch.json', vectors: 'vector-server.json' }[what]);
  return {
    async load() {
      const text = await files.read(file);
      return text === undefined ? undefined : (JSON.parse(text) as LoadPoint);
    },
    async save(point) {
      await files.write(file, JSON.stringify(point));
    },
  };
}
