import type { Secret } from '../config/secret.ts';
import { PortiereError } from '../errors.ts';
import type { Stack } from '../stack/model.ts';

/** One way of writing a stack down. */
export interface Target {
  readonly name: TargetName;
  /** Templates it fills, by their paths below `templates/`. */
  readonly templates: readonly string[];
  /** Its files; the first one is the one to read. */
  readonly files: (stack: Stack, sources: Sources) => readonly RenderedFile[];
}

export type TargetName = 'compose' | 'dockerfile' | 'nginx' | 'env';

/** What is rendered from beside the stack. */
export interface Sources {
  /** Texts of the templates, by path below `templates/`. */
  readonly templates: Readonly<Record<string, string>>;
  /** Every setting that has a value and can be a variable, in the table's order. */
  readonly settings: readonly { readonly name: string; readonly value: string | Secret }[];
}

export interface RenderedFile {
  /** Relative to the folder of the rendered files, with `/`. */
  readonly path: string;
  readonly content: string | Secret;
  readonly mode: 0o644 | 0o600 | 0o444;
}

/** The text of a template. */
export function templateOf({ templates }: Sources, path: string): string {
  const text = Object.hasOwn(templates, path) ? templates[path] : undefined;
  if (text === undefined) throw new PortiereError('BUG', `The template ${path} was not read.`);
  return text;
}
