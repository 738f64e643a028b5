import type { Outcome, Ports } from '../ports.ts';

type Action = (ports: Ports, options: never) => Promise<Outcome>;

/** A command being described, as far as this file needs to know. */
interface Described {
  option(flags: string, description: string, ...rest: unknown[]): this;
  requiredOption(flags: string, description: string): this;
}

/** What `cli.ts` lends for describing a command. */
export interface IndexRegistry<Command extends Described> {
  readonly add: (usage: string, description: string, load: () => Promise<Action>) => Command;
  readonly withVocabulary: (command: Command) => Command;
  readonly whole: (text: string) => number;
  readonly half: (text: string) => string;
}

/** Loads an action that gives way to what serves on the same machine: searches come before index jobs. */
function givingWay(load: () => Promise<Action>): () => Promise<Action> {
  return async () => {
    const { giveWay } = await import('../commands/give-way.ts');
    giveWay();
    return await load();
  };
}

/** The verbs of `index`. */
export function addIndexCommands<Command extends Described>({
  add,
  withVocabulary,
  whole,
  half,
}: IndexRegistry<Command>): void {
  const from = 'database: from the loaded vocabulary';
  withVocabulary(
    add(
      'plan',
      'What a build would do, hold, take and swap',
      async () => (await import('../commands/index/plan.ts')).plan,
    ),
  ).option('--source <source>', from);
  withVocabulary(
    add(
      'build',
      'Build both indexes, prove them and publish them',
      givingWay(async () => (await import('../commands/index/build.ts')).build),
    ),
  )
    .option('--source <source>', `${from}; FILE.h5: vectors that somebody else computed`)
    .option('--out <folder>', 'with --source FILE.h5: where its index goes')
    .option('--vectors <name>', 'with --source FILE.h5: the data set of vectors')
    .option('--ids <name>', 'with --source FILE.h5: the data set of ids')
    .option('--only <half>', "dense or lexical: the other half is the published build's", half)
    .option('--if-changed', 'only where the vocabulary, the model or a setting changed');
  withVocabulary(
    add(
      'ensure',
      'Load, build and publish what is missing or stale',
      givingWay(async () => (await import('../commands/index/ensure.ts')).ensureIndex),
    ),
  );
  add(
    'populate',
    'Load the published build into Elasticsearch or Milvus anew; what they search does not answer meanwhile',
    givingWay(async () => (await import('../commands/index/populate.ts')).populate),
  );
  add(
    'status',
    'What is published, and whether it is stale',
    async () => (await import('../commands/index/status.ts')).status,
  );
  add('list', 'The builds that are kept', async () => (await import('../commands/index/list.ts')).list);
  add(
    'verify [build]',
    'Read a build whole: checksums, counts, vectors, what servers hold of it',
    givingWay(async () => (await import('../commands/index/verify.ts')).verify),
  );
  add(
    'inspect <file>',
    'What a FAISS file says of itself',
    async () => (await import('../commands/index/inspect.ts')).inspect,
  );
  add(
    'rollback [build]',
    'Publish the build before this one',
    givingWay(async () => (await import('../commands/index/rollback.ts')).rollback),
  );
  add(
    'prune',
    'Remove old and unfinished builds, and vectors of models no longer used',
    givingWay(async () => (await import('../commands/index/prune.ts')).prune),
  );
  add(
    'eval',
    'How well and how fast the published index answers labelled queries',
    async () => (await import('../commands/index/eval.ts')).evaluate,
  )
    .requiredOption('--queries <file>', 'a line each: query, tab, concept id (tab, slice)')
    .option('--sample <n>', 'only every so many-th query, to have about n', whole)
    .option('--noise <kinds>', 'none,typo,case,order,abbreviation; all of them without it')
    .option('--tune', 'look for better fusion weights on one half, judge them on the other')
    .option('--out <folder>', 'write eval.json and eval.html there');
}
