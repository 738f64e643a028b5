import path from 'node:path';

import { PortiereError } from '../errors.ts';
import { isMissing, engineWords } from './docker-errors.ts';
import { firstEntry } from './docker-tar.ts';

const largest = 64 * 1024 * 1024;
const mostLinks = 8;

/** A file's bytes out of a container's archive, links followed inside it; undefined where there is no such file. */
export async function readContainerFile(
  archive: (from: string) => Promise<AsyncIterable<unknown>>,
  file: string,
): Promise<Buffer | undefined> {
  let from = file;
  for (let hop = 0; hop < mostLinks; hop++) {
    const entry = firstEntry(await download(archive, from));
    if (entry?.kind === 'file') return entry.content;
    if (entry?.kind !== 'link') return undefined;
    from = path.posix.resolve(path.posix.dirname(from), entry.target);
  }
  return undefined;
}

async function download(
  archive: (from: string) => Promise<AsyncIterable<unknown>>,
  from: string,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of await archive(from)) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > largest) {
        throw new PortiereError(
          'ENGINE_FAILED',
          `${from} is above 64 MiB, too much to read from a container.`,
          {
            hint: 'Copy it out: docker cp',
          },
        );
      }
    }
  } catch (error) {
    if (isMissing(error) && !/no such container/i.test(engineWords(error))) return Buffer.alloc(0);
    throw error;
  }
  return Buffer.concat(chunks);
}
