import { createHmac } from 'node:crypto';
import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { Written } from '../plan/write.ts';
import type { Ports } from '../ports.ts';

/** The note of what we wrote into a folder, kept beside the files. */
export interface Manifest {
  readonly written: Written;
  /** By a key of this folder alone. */
  readonly fingerprint: (text: string) => string;
  readonly save: (written: Written) => Promise<void>;
}

/** Reads a folder's manifest, or begins one; a damaged one throws FILE_EDITED unless `force` begins anew. */
export async function loadManifest(ports: Ports, folder: string, force: boolean): Promise<Manifest> {
  const file = path.join(folder, 'manifest.json');
  const noted = parse(await ports.files.read(file), file, force);
  const key = noted?.key ?? Buffer.from(ports.random(32)).toString('hex');
  return {
    written: noted?.files ?? {},
    fingerprint: (text) => createHmac('sha256', key).update(text).digest('hex').slice(0, 32),
    save: async (files) => {
      await ports.files.write(file, `${JSON.stringify({ version: 1, key, files }, null, 2)}\n`, 0o600);
    },
  };
}

interface Noted {
  readonly version: 1;
  readonly key: string;
  readonly files: Written;
}

function parse(text: string | undefined, file: string, force: boolean): Noted | undefined {
  if (text === undefined) return undefined;
  try {
    const noted = JSON.parse(text) as Partial<Noted>;
    if (noted.version === 1 && typeof noted.key === 'string' && isWritten(noted.files)) return noted as Noted;
  } catch {
    // Told below, like a text that is JSON and no manifest.
  }
  if (force) return undefined;
  throw new PortiereError('FILE_EDITED', `${file} is not what portiere wrote.`, {
    hint: 'Render anew over whatever lies there: portiere render --force',
  });
}

function isWritten(files: unknown): files is Written {
  return (
    typeof files === 'object' &&
    files !== null &&
    Object.values(files).every(
      (note: { digest?: unknown; target?: unknown } | null) =>
        typeof note?.digest === 'string' && typeof note.target === 'string',
    )
  );
}
