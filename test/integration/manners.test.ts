import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { binary, environment, killStrays, newProject, type Run, type TestProject, until } from '../support/cli.ts';
import { allCommands, endless, neededArguments } from '../support/commands.ts';

const cap = 10_000;
const plain = { TERM: 'dumb', NO_COLOR: '1', CI: '1' };

let project: TestProject;
let commands: readonly string[][];
beforeAll(async () => {
  project = await newProject();
  expect((await project.run(['init', '--yes', '--name', 'manners'])).code).toBe(0);
  await writeFile(join(project.folder, 'queries.tsv'), 'heart attack\t1\nasthma\t2\n');
  expect((await project.run(['up'])).code).toBe(0);
  commands = [...(await allCommands(project.folder)), ['logs', '-f'], ['frobnicate'], ['search'], ['config'], []];
});
afterAll(async () => {
  killStrays();
  await project.end();
});

it('knows the commands by their help', () => {
  const known = commands.map((words) => words.join(' '));
  for (const command of ['init', 'up', 'down', 'search', 'serve', 'vocab load', 'migrate status']) expect(known).toContain(command);
});

describe.each([
  ['with a stack that is up', []],
  ['with a stack that is down', ['down']],
])('every command %s', (_name, first) => {
  beforeAll(async () => {
    if (first.length > 0) await project.run(first);
  });

  it('neither hangs nor asks nor draws without a terminal', async () => {
    for (const words of await inOrder()) {
      const { code, stdout, stderr } = await politely(words);
      expect({ command: words.join(' '), code }).toEqual({ command: words.join(' '), code: expect.any(Number) });
      expect(code).not.toBe(1);
      expect(`${stdout}${stderr}`).not.toContain('\u001b');
      expect(stderr).not.toMatch(/^\s+at .*\(/m);
    }
  });

  it('prints one JSON object with --json, and exits with its code', async () => {
    for (const words of await inOrder()) {
      const { code, stdout, stderr } = await politely([...words, '--json']);
      const command = words.join(' ');
      if (words.length === 0 || command === 'config') continue;
      expect({ command, lines: stdout.trim().split('\n').length }).toEqual({ command, lines: 1 });
      const answer = JSON.parse(stdout) as Record<string, unknown>;
      const keys = ['schema', 'command', 'ok', 'code', answer['ok'] === false && 'error' in answer ? 'error' : 'data', 'warnings'];
      expect({ command, keys: Object.keys(answer) }).toEqual({ command, keys });
      expect({ command, code: answer['code'], ok: answer['ok'] }).toEqual({ command, code, ok: code === 0 });
      expect(`${stdout}${stderr}`).not.toContain('\u001b');
    }
  });
});

describe('on a terminal', () => {
  const missing = hasPython() ? '' : ' (SKIPPED: needs python3 for a terminal)';
  it.skipIf(missing !== '')(`draws the steps of up and gives the cursor back${missing}`, async () => {
    await project.run(['down']);
    const { code, output } = await onTerminal(['up'], {});
    expect(code).toBe(0);
    expect(output).toContain('\u001b[?25l');
    expect(output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(output.lastIndexOf('\u001b[?25l'));
    expect(output).toMatch(/✔.*Start the search API/);
  });

  it.skipIf(missing !== '').each([{ NO_COLOR: '1' }, { TERM: 'dumb' }, { CI: '1' }])(`does not draw with %o${missing}`, async (env) => {
    const { code, output } = await onTerminal(['up'], env);
    expect(code).toBe(0);
    expect(output).not.toContain('\u001b');
  });

  it.skipIf(missing !== '')(`gives the cursor back when it is interrupted${missing}`, async () => {
    await project.run(['down']);
    const { code, output } = await onTerminal(['up'], {}, 'Start the search API');
    expect(code).toBe(130);
    expect(output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(output.lastIndexOf('\u001b[?25l'));
    expect(await project.serverPid()).toBeUndefined();
  });
});

/** Down last: it would change what the others meet. */
async function inOrder(): Promise<readonly string[][]> {
  const rank = (words: readonly string[]): number => (['up', 'demo'].includes(words[0] ?? '') ? 2 : words[0] === 'down' ? 1 : 0);
  return await Promise.resolve([...commands].sort((a, b) => rank(a) - rank(b)).filter((words) => rank(words) === 0));
}

async function politely(words: readonly string[]): Promise<Run> {
  const name = words.filter((word) => word !== '--json').join(' ');
  const args = [...words, ...(neededArguments[name] ?? [])];
  const started = project.start(args, { stdin: 'closed', env: plain, timeout: cap });
  if (endless.has(name)) {
    const timer = setTimeout(() => started.child.kill('SIGTERM'), 2_000);
    void started.done.finally(() => clearTimeout(timer));
  }
  return await started.done;
}

/** Runs in a pseudo-terminal; with `interruptAt`, presses Ctrl-C once that text is there. */
async function onTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  interruptAt?: string,
): Promise<{ code: number | null; output: string }> {
  const program = 'import pty,sys,os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const child = spawn('python3', ['-c', program, process.execPath, binary, ...args], {
    cwd: project.folder,
    env: environment({ TERM: 'xterm', ...project.env, ...env }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const done = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  if (interruptAt !== undefined) {
    await until(interruptAt, () => output.includes(interruptAt));
    child.stdin.write('\u0003');
  }
  const code = await done;
  return { code, output };
}

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
