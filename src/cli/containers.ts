import type { Outcome, Ports } from '../ports.ts';

type Action = (ports: Ports, options: never) => Promise<Outcome>;

/** A command being described, as far as this file needs to know. */
interface Described {
  option(flags: string, description: string, ...rest: unknown[]): this;
}

/** What `cli.ts` lends for describing a command. */
export interface Registry<Command extends Described> {
  readonly add: (usage: string, description: string, load: () => Promise<Action>) => Command;
  readonly secondsOrNone: (text: string) => number;
  readonly collect: (value: string, before?: readonly string[]) => string[];
}

/** The verbs that work on containers alone. */
export function addContainerCommands<Command extends Described>({
  add,
  collect,
  secondsOrNone,
}: Registry<Command>): void {
  add(
    'ps',
    'List the containers of an environment',
    async () => (await import('../commands/stack/ps.ts')).ps,
  ).option('-a, --all', 'those that have ended too');
  selected(
    add(
      'restart [services...]',
      'Restart services and wait until they are well again',
      async () => (await import('../commands/stack/restart.ts')).restart,
    ),
    collect,
  ).option('--stable-for <seconds>', 'how long they must have been well', secondsOrNone);
  add(
    'exec <service> [program...]',
    'Run a program in a running container: exec postgres -- psql -U portiere',
    async () => (await import('../commands/stack/programs.ts')).exec,
  );
  add(
    'run <service> [program...]',
    'Run a program in a container of its own, removed afterwards',
    async () => (await import('../commands/stack/programs.ts')).run,
  );
  add(
    'scale <counts...>',
    'Set how many containers services have: scale api=2',
    async () => (await import('../commands/stack/scale.ts')).scale,
  ).option('--stable-for <seconds>', 'how long they must have been well', secondsOrNone);
  const images = async (): Promise<typeof import('../commands/stack/image-verbs.ts')> =>
    await import('../commands/stack/image-verbs.ts');
  selected(
    add('build [services...]', 'Build the images of services', async () => (await images()).build),
    collect,
  ).option('--no-cache', 'from nothing');
  selected(
    add('pull [services...]', 'Pull the images of services', async () => (await images()).pull),
    collect,
  );
  selected(
    add('push [services...]', 'Push built images', async () => (await images()).push),
    collect,
  );
  add(
    'render',
    'Write the Compose, nginx and Docker files of an environment',
    async () => (await import('../commands/render.ts')).render,
  )
    .option('--target <name>', 'only compose, dockerfile, nginx or env')
    .option('--out <folder>', 'where to (default: .portiere/render/<environment>; - for standard output)')
    .option('--check', 'write nothing, exit 2 where files differ')
    .option('--force', 'overwrite files that were edited by hand');
}

function selected<Command extends Described>(command: Command, collect: unknown): Command {
  return command.option('--profile <name>', 'services of this profile too; repeatable', collect);
}
