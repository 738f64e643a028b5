import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';

import { fromSystemError } from '../../errors.ts';
import { replaceFile, sync } from '../system/disk.ts';
import { fileNames } from './manifest.ts';
import { buildsFolder } from './publish.ts';

/** Steps of a build, each of which leaves its files complete and on disk, and a few figures. */
export type Stage = 'lexical' | 'missing' | 'vectors' | 'dense';

/** A build that is being made: its folder, and how far it is. A killed one is taken up where it was. */
export interface Draft {
  readonly id: string;
  readonly folder: string;
  /** ISO time at which it was begun. */
  readonly begun: string;
  /** Does the work of a stage, once: what it gave the first time is given again, also to another process. */
  once<Figures extends object>(stage: Stage, work: () => Promise<Figures>): Promise<Figures>;
  /** Notes how far the current stage is; what it counts must be on disk. */
  note(progress: object): Promise<void>;
  /** The last note of the current stage. */
  noted(): object | undefined;
  /** True once a stage is done: there is something worth taking up. */
  worthKeeping(): boolean;
  /** Forgets what a stage gave, so that it is done again. */
  forget(stage: Stage): Promise<void>;
  /** Removes all but these files: what only a draft needs, and what a killed writer left. */
  finish(keep: readonly string[]): Promise<void>;
}

interface Saved {
  readonly recipe: string;
  readonly id: string;
  readonly begun: string;
  done: Partial<Record<Stage, object>>;
  note: object | null;
}

const draftFile = 'draft.json';

/** Takes up the unfinished build of this recipe, or begins one named by the time and the vocabulary. */
export async function openDraft(
  pointer: string,
  { recipe, digest, now }: { readonly recipe: string; readonly digest: string; readonly now: Date },
): Promise<Draft> {
  const builds = buildsFolder(pointer);
  try {
    const id = await unfinished(pointer, recipe);
    if (id !== undefined) {
      const folder = path.join(builds, id);
      return draftIn(folder, (await load(folder)) as Saved);
    }
    await mkdir(builds, { recursive: true });
    const { id: fresh, folder } = await newFolder(builds, now, digest);
    const saved: Saved = { recipe, id: fresh, begun: now.toISOString(), done: {}, note: null };
    await replaceFile(path.join(folder, draftFile), JSON.stringify(saved));
    await sync(builds);
    return draftIn(folder, saved);
  } catch (error) {
    throw fromSystemError(error, builds);
  }
}

/** The newest unfinished build of a recipe. */
export async function unfinished(pointer: string, recipe: string): Promise<string | undefined> {
  const builds = buildsFolder(pointer);
  const names = await readdir(builds).catch(() => []);
  for (const name of names.toSorted((one, other) => (one < other ? 1 : -1))) {
    const folder = path.join(builds, name);
    if ((await load(folder))?.recipe === recipe && !(await isComplete(folder))) return name;
  }
  return undefined;
}

function draftIn(folder: string, saved: Saved): Draft {
  const file = path.join(folder, draftFile);
  const save = async (): Promise<void> => {
    await replaceFile(file, JSON.stringify(saved));
  };
  return {
    id: saved.id,
    folder,
    begun: saved.begun,
    async once<Figures extends object>(stage: Stage, work: () => Promise<Figures>) {
      const before = saved.done[stage];
      if (before !== undefined) return before as Figures;
      const figures = await work();
      await sync(folder);
      saved.done[stage] = figures;
      saved.note = null;
      await save();
      return figures;
    },
    async note(progress) {
      saved.note = progress;
      await save();
    },
    noted: () => saved.note ?? undefined,
    worthKeeping: () => Object.keys(saved.done).length > 0,
    async forget(stage) {
      delete saved.done[stage];
      await save();
    },
    async finish(keep) {
      for (const name of await readdir(folder)) {
        if (!keep.includes(name)) await rm(path.join(folder, name), { recursive: true, force: true });
      }
    },
  };
}

async function load(folder: string): Promise<Saved | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder, draftFile), 'utf8')) as Saved;
  } catch {
    return undefined;
  }
}

/** One with a manifest is a build: only the note of the draft was left behind. */
async function isComplete(folder: string): Promise<boolean> {
  return await access(path.join(folder, fileNames.manifest)).then(
    () => true,
    () => false,
  );
}

/** A folder that was not there: one that is may be the published build, made in the same millisecond or after it. */
async function newFolder(builds: string, now: Date, digest: string): Promise<{ id: string; folder: string }> {
  for (let time = now.getTime(); ; time += 1) {
    const id = `${new Date(time).toISOString().replaceAll(/[-:.]/g, '')}-${digest.slice(0, 8)}`;
    const folder = path.join(builds, id);
    try {
      await mkdir(folder);
      return { id, folder };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
