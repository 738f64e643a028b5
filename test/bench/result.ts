import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What one run of a bench measured, as it lies in results/. */
export interface Result {
  readonly bench: string;
  /** ISO time of its start. */
  readonly at: string;
  readonly machine: Machine;
  /** Product, runtime and peers, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** What the bench was started with. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Others used more than 3 % of the machine meanwhile. */
  readonly busy: boolean;
  /** Share of the processors that other programs used meanwhile, 0 to 1. */
  readonly others: number;
  readonly rows: readonly Row[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Those that ours and the peer are pinned to. */
  readonly pinned: string;
  /** Of the processor, that vector code depends on. */
  readonly flags: readonly string[];
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Load average of the last minute at the start. */
  readonly load: number;
}

/** One line of the table. */
export interface Row {
  /** As design calls it: G1. */
  readonly goal: string;
  readonly metric: string;
  /** With its threads and settings; empty where there is nothing to compare with. */
  readonly peer: string;
  /** Of `value`: x for a ratio of ours to the peer's. */
  readonly unit: string;
  /** Of `ours` and `theirs`. */
  readonly measured: string;
  readonly target: Target | null;
  /** What was compared before the clock counted. */
  readonly checked: string;
  readonly rounds: readonly Round[];
  /** Why there are no rounds. */
  readonly notRun?: string;
  /** What bounds it, where a target is not met. */
  readonly note?: string;
}

export type Target = { readonly atMost: number } | { readonly atLeast: number };

export interface Round {
  /** What is judged. */
  readonly value: number;
  readonly ours: number;
  readonly theirs: number | null;
  /** Load average of the last minute. */
  readonly load: number;
}

export const resultFolder = fileURLToPath(new URL('results', import.meta.url));

/** Every result that is kept, by name of the bench. */
export function readResults(folder = resultFolder): Result[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Result);
}
