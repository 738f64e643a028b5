import { createHash } from 'node:crypto';

import { PortiereError } from '../errors.ts';
import type { RenderedFile } from '../render/target.ts';
import { textDiff } from './text-diff.ts';

/** A file that is to lie in a folder, and the target it belongs to. */
export interface DesiredFile extends RenderedFile {
  readonly target: string;
}

/** What lies there. */
export interface FoundFile {
  readonly text: string;
  readonly mode: number;
}

/** What we wrote last: told by digest; a secret's by a keyed fingerprint. */
export interface WrittenFile {
  readonly target: string;
  readonly digest: string;
  readonly secret: boolean;
  /** Digest of what a write that may not have ended was writing. */
  readonly writing?: string;
}

export type Written = Readonly<Record<string, WrittenFile>>;

export interface WriteFacts {
  readonly desired: readonly DesiredFile[];
  /** Texts and modes by path, of the desired files and of the written ones. */
  readonly found: ReadonlyMap<string, FoundFile>;
  readonly written: Written;
  /** The targets that are rendered now; files of others are left as they are. */
  readonly targets: readonly string[];
  /** Keyed: tells that a secret changed, never what it is. */
  readonly fingerprint: (text: string) => string;
}

export interface FileAction {
  readonly path: string;
  readonly action: 'create' | 'update' | 'unchanged' | 'remove' | 'edited';
  /** What is to be written; undefined where it is to be removed. */
  readonly file: DesiredFile | undefined;
  /** From what lies there to what would; none of a secret. */
  readonly diff: string | undefined;
}

export interface WritePlan {
  readonly actions: readonly FileAction[];
  /** To be noted before the first file is touched, and after the last one: a write that is killed is no edit. */
  readonly before: Written;
  readonly after: Written;
}

/** What happens to each file of a folder: those we wrote and render no longer go, those somebody edited are told. */
export function planWrite(facts: WriteFacts): WritePlan {
  const { desired, written, targets } = facts;
  const wanted = new Set(desired.map(({ path }) => path));
  const gone = Object.keys(written).filter(
    (path) => !wanted.has(path) && targets.includes(written[path]?.target ?? ''),
  );
  const kept = Object.entries(written).filter(([path]) => !wanted.has(path) && !gone.includes(path));
  const after = Object.fromEntries([
    ...kept,
    ...desired.map((file) => [file.path, noteOf(file, facts.fingerprint)] as const),
  ]);
  const started = desired.map((file) => {
    const note = noteOf(file, facts.fingerprint);
    return [
      file.path,
      { ...note, digest: written[file.path]?.digest ?? note.digest, writing: note.digest },
    ] as const;
  });
  return {
    actions: [
      ...desired.map((file) => writing(file, facts)),
      ...gone.flatMap((path) => removing(path, facts)),
    ],
    before: { ...written, ...Object.fromEntries(started) },
    after,
  };
}

/** Throws FILE_EDITED with what differs, where files were edited by hand. */
export function refuseEdited({ actions }: WritePlan, folder: string): void {
  const edited = actions.filter(({ action }) => action === 'edited');
  if (edited.length === 0) return;
  const names = edited.map(({ path }) => path).join(', ');
  const diffs = edited.flatMap(({ diff }) => (diff === undefined ? [] : [`\n${diff}`]));
  throw new PortiereError(
    'FILE_EDITED',
    [`${names} in ${folder}: changed since portiere wrote it.`, ...diffs].join('\n'),
    { hint: 'Make the change in the configuration instead, or overwrite it: --force.' },
  );
}

function writing(file: DesiredFile, { found, written, fingerprint }: WriteFacts): FileAction {
  const { path } = file;
  const there = found.get(path);
  const note = written[path];
  if (there === undefined) return { path, action: 'create', file, diff: undefined };
  const text = textOf(file);
  if (there.text === text) {
    return { path, action: there.mode === file.mode ? 'unchanged' : 'update', file, diff: undefined };
  }
  const isSecret = typeof file.content !== 'string';
  const diff = isSecret || note?.secret === true ? undefined : textDiff(path, there.text, text);
  return { path, action: isOurs(note, there, fingerprint) ? 'update' : 'edited', file, diff };
}

function removing(path: string, { found, written, fingerprint }: WriteFacts): FileAction[] {
  const there = found.get(path);
  if (there === undefined) return [];
  const action = isOurs(written[path], there, fingerprint) ? 'remove' : 'edited';
  return [{ path, action, file: undefined, diff: undefined }];
}

function isOurs(
  note: WrittenFile | undefined,
  { text }: FoundFile,
  fingerprint: WriteFacts['fingerprint'],
): boolean {
  if (note === undefined) return false;
  const now = note.secret ? fingerprint(text) : digest(text);
  return now === note.digest || now === note.writing;
}

function noteOf(file: DesiredFile, fingerprint: WriteFacts['fingerprint']): WrittenFile {
  const secret = typeof file.content !== 'string';
  const text = textOf(file);
  return { target: file.target, digest: secret ? fingerprint(text) : digest(text), secret };
}

function textOf({ content }: DesiredFile): string {
  return typeof content === 'string' ? content : content.reveal();
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
