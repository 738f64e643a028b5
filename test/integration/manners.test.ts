import { execFileSync, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  binary,
  environment,
  isListening,
  killStrays,
  newProject,
  processesOf,
  type Run,
  type TestProject,
  until,
} from '../support/cli.ts';
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
  commands = [
    ...(await allCommands(project.folder)),
    ['logs', '-f'],
    ['frobnicate'],
    ['search'],
    ['config'],
    [],
  ];
});
afterAll(async () => {
  await killStrays();
});

it('knows the commands by their help', () => {
  const known = commands.map((words) => words.join(' '));
  for (const command of ['init', 'up', 'down', 'search', 'serve', 'vocab load', 'migrate status'])
    expect(known).toContain(command);
});

it('commands neither hang nor ask nor draw without a terminal', async () => {
  for (const words of inOrder(true)) {
    const { code, stdout, stderr } = await politely(words);
    expect({ command: words.join(' '), code }).toEqual({
      command: words.join(' '),
      code: expect.any(Number),
    });
    expect(code).not.toBe(1);
    expect(`${stdout}${stderr}`).not.toContain('\u001b');
    expect(stderr).not.toMatch(/^\s+at .*\(/m);
  }
});

describe.each([
  { name: 'with a stack that is up', isUp: true },
  { name: 'with a stack that is down', isUp: false },
])('every command $name', ({ isUp }) => {
  beforeAll(async () => {
    await project.run([isUp ? 'up' : 'down']);
  });

  it('prints one JSON object with --json, and exits with its code', async () => {
    for (const words of inOrder(isUp)) {
      const { code, stdout, stderr } = await politely([...words, '--json']);
      const command = words.join(' ');
      if (words.length === 0 || command === 'config') continue;
      expect({ command, lines: stdout.trim().split('\n').length }).toEqual({ command, lines: 1 });
      const answer = JSON.parse(stdout) as Record<string, unknown>;
      const keys = [
        'schema',
        'command',
        'ok',
        'code',
        answer['ok'] === false && 'error' in answer ? 'error' : 'data',
        'warnings',
      ];
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

  it.skipIf(missing !== '').each([{ NO_COLOR: '1' }, { TERM: 'dumb' }, { CI: '1' }])(
    `does not draw with %o${missing}`,
    async (env) => {
      const { code, output } = await onTerminal(['up'], env);
      expect(code).toBe(0);
      expect(output).not.toContain('\u001b');
    },
  );

  it.skipIf(missing !== '')(`gives the cursor back when it is interrupted${missing}`, async () => {
    await project.run(['down']);
    const { code, output } = await onTerminal(['up'], {}, 'Start the search API');
    await until('the server is gone', async () => !(await isListening(project.port)));
    expect(code).toBe(130);
    expect(output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(output.lastIndexOf('\u001b[?25l'));
    expect(await processesOf(project.folder)).toEqual([]);
  });
});

/** Those that start and stop the stack come last, so that they end as they began. */
function inOrder(isUp: boolean): readonly string[][] {
  const last = isUp ? ['down', 'demo', 'up'] : ['up', 'demo', 'down'];
  return [...commands].sort((a, b) => last.indexOf(a[0] ?? '') - last.indexOf(b[0] ?? ''));
}

async function politely(words: readonly string[]): Promise<Run> {
  const name = words.filter((word) => word !== '--json').join(' ');
  const args = [...words, ...(neededArguments[name] ?? [])];
  const started = project.start(args, { stdin: 'closed', env: plain, timeout: cap });
  if (endless.has(name)) {
    const ended = started.done.then(() => true);
    await until('it listens to signals or ends', async () => {
      return await Promise.race([ended, catchesHangup(started.child.pid)]);
    });
    const timer = setTimeout(() => started.child.kill('SIGTERM'), 1_000);
    await started.done;
    clearTimeout(timer);
  }
  return await started.done;
}

/** Whether a process has a handler for SIGHUP, which Node itself does not catch, by the kernel's mask. */
async function catchesHangup(pid: number | undefined): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return (BigInt(`0x${/^SigCgt:\s*(\w+)/m.exec(status)?.[1] ?? '0'}`) & 1n) !== 0n;
}

/** Runs in a pseudo-terminal; with `interruptAt`, presses Ctrl-C once that text is there. */
async function onTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  interruptAt?: string,
): Promise<{ code: number | null; output: string }> {
  const program = 'import pty,sys,os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const sized = 'stty cols 100 rows 30; exec "$@"';
  const child = spawn(
    'python3',
    ['-c', program, 'sh', '-c', sized, 'sh', process.execPath, binary, ...args],
    {
      cwd: project.folder,
      env: environment({ TERM: 'xterm', ...project.env, ...env }),
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
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
