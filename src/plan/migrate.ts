import { PortiereError } from '../errors.ts';

/** A migration file: `checksum` is the sha256 of its text with LF line ends. */
export interface Migration {
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
}

/** A row of the ledger. */
export interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
}

export interface MigrationPlan {
  readonly applied: readonly string[];
  readonly pending: readonly Migration[];
}

/**
 * What is left to apply. Refuses (each with its own code) an applied file that was edited since, one that is
 * not among the files any more, and a file that would come before one already applied.
 */
export function planMigrations(
  files: readonly Migration[],
  ledger: readonly AppliedMigration[],
): MigrationPlan {
  for (const row of ledger) {
    const file = files.find(({ name }) => name === row.name);
    if (file === undefined) {
      throw new PortiereError(
        'MIGRATION_UNKNOWN',
        `The database has migration ${row.name}, this portiere does not.`,
        {
          hint: 'Use the portiere version that applied it, or a newer one.',
        },
      );
    }
    if (file.checksum !== row.checksum) {
      throw new PortiereError(
        'MIGRATION_CHANGED',
        `Migration ${row.name} was changed after it was applied.`,
        {
          hint: 'Put the file back as it was and write the change as a new migration.',
        },
      );
    }
  }
  const applied = new Set(ledger.map(({ name }) => name));
  const pending = files.filter(({ name }) => !applied.has(name));
  const last = ledger
    .map(({ name }) => name)
    .sort()
    .at(-1);
  const late = pending.find(({ name }) => last !== undefined && name < last);
  if (late !== undefined) {
    throw new PortiereError(
      'MIGRATION_GAP',
      `Migration ${late.name} comes before ${last ?? ''}, which is applied.`,
      {
        hint: 'Give the new file a number after the last applied one.',
      },
    );
  }
  return { applied: [...applied].sort(), pending };
}
