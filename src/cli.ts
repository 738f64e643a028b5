import { Command, CommanderError, InvalidArgumentError } from 'commander';

import { addContainerCommands } from './cli/containers.ts';
import { addIndexCommands } from './cli/search-index.ts';
import type { GlobalOptions, Outcome, Ports } from './ports.ts';

/** A command as it was asked for; `load` imports its code only when it is run. */
export interface Invocation {
  readonly command: string;
  readonly options: GlobalOptions & Readonly<Record<string, unknown>>;
  run(ports: Ports): Promise<Outcome>;
}

/** What an argument list comes to: a command to run, or (help, version, usage error) an exit code and nothing more. */
export type Parsed =
  | { readonly invocation: Invocation }
  | { readonly exitCode: number; readonly usageError?: string };

type Action = (ports: Ports, options: never) => Promise<Outcome>;

/** Parses the command line; help goes to standard output, usage errors to standard error with exit 64. */
export async function parseCommandLine(argv: readonly string[], version: string): Promise<Parsed> {
  let invocation: Invocation | undefined;
  const program = build(version, (chosen) => {
    invocation = chosen;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { exitCode: 0 };
    return {
      exitCode: 64,
      usageError: error.message.replace(/^error: /, '').replace(/^\(.*\)$/, 'no command is named'),
    };
  }
  return invocation === undefined ? { exitCode: 64, usageError: 'no command is named' } : { invocation };
}

function build(version: string, choose: (invocation: Invocation) => void): Command {
  const program = new Command('portiere')
    .description('Builds, deploys and maintains a medical-vocabulary hybrid-search stack.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(see portiere --help)')
    .addHelpText(
      'before',
      'Examples:\n  portiere init --yes && portiere up\n  portiere search "heart attack"\n  portiere up --vocabulary vocabulary_download.zip\n',
    );
  globalOptions(program);

  const add = (parent: Command, usage: string, description: string, load: () => Promise<Action>): Command => {
    const command = globalOptions(parent.command(usage).description(description)).exitOverride();
    command.action((...args: unknown[]) => {
      const names = command.registeredArguments.map((argument) => argument.name());
      const given = names.flatMap((name, index) => (args[index] === undefined ? [] : [[name, args[index]]]));
      const options = { ...command.optsWithGlobals(), ...Object.fromEntries(given) } as Invocation['options'];
      choose({
        command: pathOf(command),
        options,
        run: async (ports) => await (await load())(ports, options as never),
      });
    });
    return command;
  };
  const group = (name: string, description: string): Command =>
    program.command(name).description(description).exitOverride();

  withVocabulary(
    add(
      program,
      'demo',
      'Set up, start and search an embedded stack in this folder',
      async () => (await import('./commands/demo.ts')).demo,
    ),
  );
  add(
    program,
    'init',
    'Write a config, .gitignore lines and generated secrets; fills only what is missing',
    async () => (await import('./commands/init.ts')).init,
  ).option('--name <name>', 'name of the project (default: that of the folder)');
  withVocabulary(
    add(
      program,
      'up [services...]',
      'Bring the stack up: migrate, load, index, start, wait until ready',
      async () => (await import('./commands/up.ts')).up,
    ),
  )
    .option('--profile <name>', 'services of this profile too; repeatable', collect)
    .option('--stable-for <seconds>', 'how long services must have been well (0: not at all)', secondsOrNone)
    .option('--build', 'build images anew')
    .option('--force', 'overwrite rendered files that were edited by hand');
  add(
    program,
    'down',
    'Stop what up started; the data stays',
    async () => (await import('./commands/down.ts')).down,
  )
    .option('--volumes', 'remove the data too; asks for the name of the project')
    .option('--confirm <name>', 'the name of the project, in place of typing it');
  addContainerCommands({
    add: (usage, text, load) => add(program, usage, text, load),
    secondsOrNone,
    collect,
  });
  detailed(
    add(
      program,
      'status',
      'Compare desired with live, and name the build that is served',
      async () => (await import('./commands/status.ts')).status,
    ),
  );
  add(
    program,
    'health',
    'Probe the stack and name the cause of what is wrong',
    async () => (await import('./commands/health.ts')).health,
  );
  add(
    program,
    'logs [services...]',
    'Show logs, of all services or of some',
    async () => (await import('./commands/logs.ts')).logs,
  )
    .option('-f, --follow', 'go on with the lines to come')
    .option('--tail <lines>', 'how many lines from the end (default: 100)', whole)
    .option('--since <time>', 'from then on: 10m, 2h, or a time');
  add(
    program,
    'search <text>',
    'Search the running stack for a text or a code',
    async () => (await import('./commands/search.ts')).search,
  )
    .option('--limit <n>', 'how many concepts (1 to 150; default 20)')
    .option('--vocabulary-id <id>', 'only this vocabulary; repeatable', collect)
    .option('--exclude-vocabulary-id <id>', 'not this vocabulary; repeatable', collect)
    .option('--domain-id <id>', 'only this domain; repeatable', collect)
    .option('--concept-class-id <id>', 'only this concept class; repeatable', collect)
    .option('--standard-concept <flag>', 'S, C or none; repeatable', collect)
    .option('--valid', 'only valid concepts')
    .option('--no-valid', 'only deleted or upgraded concepts');
  add(
    program,
    'serve',
    'Serve the search API in the foreground',
    async () => (await import('./commands/serve.ts')).serve,
  );

  const config = group('config', 'Check, show and explain the configuration');
  const ofConfig = async () => await import('./commands/config.ts');
  add(config, 'validate', 'Check everything; all problems at once', async () => (await ofConfig()).validate);
  add(
    config,
    'show',
    'Every setting, its value and the layer that set it',
    async () => (await ofConfig()).show,
  );
  add(
    config,
    'explain <key>',
    'One setting: value, layer, what it overrode',
    async () => (await ofConfig()).explain,
  );
  add(config, 'schema', 'The JSON Schema of the config file', async () => (await ofConfig()).schema);

  const vocabulary = group('vocab', 'Inspect and load an OMOP vocabulary download');
  const ofVocabulary = async () => await import('./commands/vocabulary.ts');
  selectable(
    add(
      vocabulary,
      'inspect [vocabulary]',
      'Count what a download holds and what is wrong with it',
      async () => (await ofVocabulary()).inspect,
    ),
  );
  add(
    vocabulary,
    'load [vocabulary]',
    'Load a download into Postgres',
    async () => (await ofVocabulary()).load,
  );

  const model = group('model', 'Fetch and check embedding models');
  const ofModel = async () => await import('./commands/model.ts');
  add(
    model,
    'pull [model]',
    'Download the configured model (the only command that does)',
    async () => (await ofModel()).pull,
  );
  add(
    model,
    'verify [model]',
    'Compare the model on disk with its checksums',
    async () => (await ofModel()).verify,
  );

  const index = group('index', 'Build, publish and judge the search index');
  addIndexCommands<Command>({
    add: (usage, description, load) => add(index, usage, description, load),
    withVocabulary,
    whole,
    half,
  });

  const migrate = group('migrate', 'Bring the database schema up to date');
  const ofMigrate = async () => await import('./commands/migrate.ts');
  detailed(
    add(migrate, 'plan', 'What would be applied; changes nothing', async () => (await ofMigrate()).plan),
  );
  add(migrate, 'up', 'Apply what is pending', async () => (await ofMigrate()).up);
  add(migrate, 'status', 'Every migration and whether it is applied', async () => (await ofMigrate()).status);

  const keys = group('keys', 'Make and revoke API keys');
  const ofKeys = async () => await import('./commands/keys.ts');
  add(keys, 'create', 'Make a key; it is shown once', async () => (await ofKeys()).create)
    .requiredOption('--name <name>', 'whose key it is')
    .option('--expires <days>', 'valid for so many days (default: for good)', whole);
  add(keys, 'list', 'Every key and its state', async () => (await ofKeys()).list);
  add(keys, 'revoke <id>', 'Revoke a key for good, within 5 seconds', async () => (await ofKeys()).revoke);
  return program;
}

/** Flags with one meaning everywhere, before or after the command's name. */
function globalOptions(command: Command): Command {
  return command
    .option('--json', 'one JSON object on standard output')
    .option('-q, --quiet', 'only the result')
    .option('-v, --verbose', 'more detail; repeatable', (_, before: number) => before + 1, 0)
    .option('-y, --yes', 'ask nothing')
    .option('--no-input', 'ask nothing, fail instead')
    .option('--dry-run', 'say what would be done, change nothing')
    .option('--no-color', 'no colours')
    .option('--env <name>', 'environment (default: PORTIERE_ENV, the config, embedded)')
    .option('--config <file>', 'config file')
    .option('--timeout <seconds>', 'give up after this long', seconds)
    .option('--cwd <folder>', 'folder of the project')
    .option('--context <name>', 'Docker context')
    .option('--waive <id=reason>', 'let a failed check pass, with the reason; repeatable', collect);
}

function withVocabulary(command: Command): Command {
  return selectable(command.option('--vocabulary <path>', 'vocabulary download, zip or folder'));
}

function selectable(command: Command): Command {
  return command.option('--select <ids>', 'vocabularies to index, comma-separated');
}

function detailed(command: Command): Command {
  return command.option('--detailed-exitcode', 'exit 2 where something is to do');
}

function pathOf(command: Command): string {
  const parent = command.parent;
  return parent?.parent === null || parent?.parent === undefined
    ? command.name()
    : `${parent.name()} ${command.name()}`;
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function half(value: string): string {
  if (value === 'dense' || value === 'lexical') return value;
  throw new InvalidArgumentError('It must be dense or lexical.');
}

function whole(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a whole number.');
}

function seconds(value: string): number {
  const given = secondsOrNone(value);
  if (given > 0) return given;
  throw new InvalidArgumentError('It must be more than 0.');
}

function secondsOrNone(value: string): number {
  if (/^\d{1,6}(\.\d{1,3})?$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a number of seconds.');
}
