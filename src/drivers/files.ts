import { constants, type Stats } from 'node:fs';
import { access, lstat, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';

import { fromSystemError } from '../errors.ts';
import type { Files, TailOptions } from '../ports.ts';
import { draftBeside, sweepDrafts } from './drafts.ts';

/** The file system, with writes that survive a crash at any instant. */
export const files: Files = {
  async read(file) {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fromSystemError(error, file);
    }
  },

  async mode(file) {
    const found = await statOrUndefined(file);
    return found === undefined ? undefined : found.mode & 0o777;
  },

  async exists(file) {
    return await access(file, constants.F_OK).then(
      () => true,
      () => false,
    );
  },

  async write(file, text, mode = 0o644) {
    const folder = path.dirname(file);
    const draft = draftBeside(file);
    try {
      await mkdir(folder, { recursive: true });
      const handle = await open(draft, 'wx', mode);
      try {
        await handle.chmod(mode);
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, file);
      await sync(folder);
      await sweepDrafts(folder);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw fromSystemError(error, file);
    }
  },

  async makeFolder(folder, mode) {
    try {
      await mkdir(folder, { recursive: true, ...(mode === undefined ? {} : { mode }) });
    } catch (error) {
      throw fromSystemError(error, folder);
    }
  },

  async remove(file) {
    try {
      await rm(file, { force: true, recursive: true });
      await sweepDrafts(path.dirname(file));
    } catch (error) {
      throw fromSystemError(error, file);
    }
  },

  tidy: sweepDrafts,

  tail: tailFile,
};

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function statOrUndefined(file: string): Promise<Stats | undefined> {
  try {
    return await lstat(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fromSystemError(error, file);
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

const tailWindow = 1024 * 1024;
const followInterval = 250;

async function* tailFile(file: string, options: TailOptions): AsyncGenerator<string> {
  let decoder = new StringDecoder('utf8');
  const size = await sizeOf(file);
  const from = Math.max(0, size - tailWindow);
  const last = decoder.write(await readRange(file, from, size)).split('\n');
  if (from > 0) last.shift();
  let rest = last.pop() ?? '';
  let offset = size;
  const whole = rest === '' || options.follow ? options.lines : options.lines - 1;
  yield* last.slice(Math.max(0, last.length - Math.max(0, whole)));
  while (options.follow && !options.stop.aborted) {
    await new Promise((resolve) => {
      setTimeout(resolve, followInterval);
    });
    const now = await sizeOf(file);
    if (now < offset) {
      // Begun anew (rotated or truncated): what was left of the old text has no end.
      [offset, rest, decoder] = [0, '', new StringDecoder('utf8')];
    }
    if (now === offset) continue;
    const lines = (rest + decoder.write(await readRange(file, offset, now))).split('\n');
    rest = lines.pop() ?? '';
    offset = now;
    yield* lines;
  }
  if (rest !== '' && options.lines > 0) yield rest;
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    (found) => found.size,
    () => 0,
  );
}

async function readRange(file: string, from: number, to: number): Promise<Buffer> {
  if (from === to) return Buffer.alloc(0);
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(to - from);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
