import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes what was written to a file, or created, renamed or removed in a folder, outlast a power cut. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes all the bytes at a position: a disk that is nearly full takes a part of them without a word. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

const mebibyte = 2 ** 20;

/** Reads a file from its start, at most `most` bytes, and keeps nothing; gives how many. */
export async function passOver(path: string, most: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const buffer = new Uint8Array(mebibyte);
    for (let done = 0; ;) {
      const { bytesRead } = await file.read(buffer, 0, Math.max(0, Math.min(mebibyte, most - done)), done);
      if (bytesRead === 0) return done;
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** Writes a file whole: afterwards the old or the new text is there, on disk. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    const handle = await open(draft, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    await sync(dirname(file));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
