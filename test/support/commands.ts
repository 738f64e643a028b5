import { runCli } from './cli.ts';

/** Every command of the CLI as its words, read from the help of each group, so that a new one is met too. */
export async function allCommands(cwd: string): Promise<readonly string[][]> {
  return await commandsUnder([], cwd);
}

async function commandsUnder(words: readonly string[], cwd: string): Promise<string[][]> {
  const { stdout } = await runCli([...words, '--help'], { cwd });
  const listed = /^Commands:\n((?: .*\n?)+)/m.exec(stdout)?.[1] ?? '';
  const names = [...listed.matchAll(/^ {2}([a-z][\w-]*)/gm)]
    .map(([, name]) => name ?? '')
    .filter((name) => name !== 'help');
  if (names.length === 0) return [[...words]];
  return (await Promise.all(names.map(async (name) => await commandsUnder([...words, name], cwd)))).flat();
}

/** Arguments without which a command only shows its usage; keyed by the command's words. */
export const neededArguments: Readonly<Record<string, readonly string[]>> = {
  'config explain': ['API_PORT'],
  'index eval': ['--queries', 'queries.tsv'],
  'keys create': ['--name', 'somebody'],
  'keys revoke': ['0123456789ab'],
  search: ['heart attack'],
};

/** Commands that run until they are told to stop. */
export const endless: ReadonlySet<string> = new Set(['serve', 'logs -f']);
