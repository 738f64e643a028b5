import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { parseCommandLine } from './cli.ts';
import { type ErrorCode, PortiereError } from './errors.ts';
import type { GlobalOptions, Ports } from './ports.ts';
import type { ScreenReporter } from './ui/reporter.ts';

// Run from dist/main.js or from src/main.ts: the package is one folder up either way.
const root = new URL('../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
const cleanStop = 10_000;

tameProcess();
process.exitCode = await run(process.argv.slice(2));
// What a library may still hold open must not keep the prompt away.
setTimeout(() => process.exit(), 500).unref();

/** The composition root: parses, puts the real world together, runs one command, prints its answer or its error. */
async function run(argv: readonly string[]): Promise<number> {
  const parsed = await parseCommandLine(argv, version);
  if ('exitCode' in parsed) return await withoutCommand(parsed, argv);
  const { command, options } = parsed.invocation;
  const { printError, printOutcome } = await import('./ui/outcome.ts');
  const interruption = watchSignals();
  const reporter = await reporterFor(options, interruption.signal);
  const json = options.json === true;
  try {
    const ports = await realPorts(reporter, options, interruption.signal);
    const outcome = await Promise.race([parsed.invocation.run(ports), interruption.overdue]);
    return printOutcome(reporter, command, json, outcome);
  } catch (error) {
    const reason: unknown = interruption.signal.aborted ? interruption.signal.reason : error;
    return printError(reporter, command, { json, error: reason, verbose: (options.verbose ?? 0) > 0 });
  } finally {
    interruption.end();
  }
}

/** Help and version are printed already, and a usage error in words; who asked for JSON gets that as well. */
async function withoutCommand(
  { exitCode, usageError }: { readonly exitCode: number; readonly usageError?: string },
  argv: readonly string[],
): Promise<number> {
  if (usageError === undefined || !argv.includes('--json')) return exitCode;
  const { printError } = await import('./ui/outcome.ts');
  const error = new PortiereError('USAGE', usageError, { hint: 'See: portiere --help' });
  const reporter = await reporterFor({ json: true }, new AbortController().signal);
  return printError(reporter, '', { json: true, error, verbose: false });
}

async function reporterFor(options: GlobalOptions, interrupted: AbortSignal): Promise<ScreenReporter> {
  const { newReporter } = await import('./ui/reporter.ts');
  const { env, stderr, stdout } = process;
  const drawn =
    stderr.isTTY &&
    stderr.columns > 0 &&
    options.color !== false &&
    env['TERM'] !== 'dumb' &&
    !isSet('CI') &&
    !isSet('NO_COLOR');
  return newReporter({
    stdout: (text) => stdout.write(text),
    stderr: (text) => stderr.write(text),
    mode: options.json === true ? 'json' : drawn && (options.verbose ?? 0) === 0 ? 'tasks' : 'plain',
    quiet: options.quiet === true,
    interrupted,
  });
}

async function realPorts(
  reporter: ScreenReporter,
  options: GlobalOptions,
  interrupted: AbortSignal,
): Promise<Ports> {
  const [{ clock }, { files }, { http }, { leases }, { processesFor }, { prompt }] = await Promise.all([
    import('./drivers/clock.ts'),
    import('./drivers/files.ts'),
    import('./drivers/http.ts'),
    import('./drivers/lease.ts'),
    import('./drivers/processes.ts'),
    import('./ui/prompt.ts'),
  ]);
  const entry = fileURLToPath(new URL('bin/portiere.js', root));
  const askable =
    process.stdin.isTTY && process.stderr.isTTY && !isSet('CI') && process.env['TERM'] !== 'dumb';
  return {
    caller: {
      // npm runs scripts in the package's folder and says in INIT_CWD where the caller stood.
      cwd: (isSet('npm_lifecycle_event') ? process.env['INIT_CWD'] : undefined) ?? process.cwd(),
      env: process.env,
      calledAs: isSet('PORTIERE_CALLED_AS') ? (process.env['PORTIERE_CALLED_AS'] ?? '') : 'portiere',
      interactive: askable && options.yes !== true && options.input !== false && options.json !== true,
      interrupted,
    },
    self: { version, entry, templates: fileURLToPath(new URL('templates/', root)) },
    clock,
    files,
    http,
    leases,
    processes: processesFor(entry),
    prompt,
    reporter,
    random: (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))),
    settingsFiles: {
      load: async (folder, explicit) =>
        await (await import('./drivers/settings.ts')).settingsFiles.load(folder, explicit),
    },
    databases: {
      connect: async (target, connect) =>
        await (await import('./drivers/postgres.ts')).databasesFor(leases).connect(target, connect),
      serve: async (folder) =>
        await (await import('./drivers/postgres.ts')).databasesFor(leases).serve(folder),
    },
    searchEngines: {
      connect: async (target) =>
        await (await import('./drivers/elasticsearch.ts')).searchEngines.connect(target),
    },
    vectorDatabases: {
      connect: async (target) => await (await import('./drivers/milvus.ts')).vectorDatabases.connect(target),
    },
    caches: {
      connect: async (target) => await (await import('./drivers/redis.ts')).caches.connect(target),
    },
    packages: {
      pack: async (file) => {
        await (await import('./drivers/packages.ts')).packagesIn(fileURLToPath(root), process.env).pack(file);
      },
    },
    engines: {
      connect: async (connect) =>
        await (await import('./drivers/docker.ts')).enginesFor(process.env).connect(connect),
    },
  };
}

interface Interruption {
  readonly signal: AbortSignal;
  /** Rejects when a command has not stopped in good time after the first signal. */
  readonly overdue: Promise<never>;
  end(): void;
}

/** The first signal asks the command to stop, a second one ends the process at once. */
function watchSignals(): Interruption {
  const controller = new AbortController();
  const codes: Readonly<Record<string, ErrorCode>> = {
    SIGINT: 'INTERRUPTED',
    SIGTERM: 'TERMINATED',
    SIGHUP: 'HANGUP',
  };
  let reject: (reason: unknown) => void = () => undefined;
  const overdue = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  overdue.catch(() => undefined);
  const onSignal = (name: NodeJS.Signals): void => {
    const error = new PortiereError(codes[name] ?? 'INTERRUPTED', `Stopped by ${name}.`, {
      hint: 'Nothing published was touched; run the same command again to go on.',
    });
    if (controller.signal.aborted) process.exit(error.exitCode);
    process.stderr.write(`${name}: stopping ...\n`);
    controller.abort(error);
    setTimeout(() => {
      reject(error);
    }, cleanStop).unref();
  };
  for (const name of Object.keys(codes)) process.on(name, onSignal);
  return {
    signal: controller.signal,
    overdue,
    end() {
      for (const name of Object.keys(codes)) process.off(name, onSignal);
    },
  };
}

/** A reader that closes early (`| head`) is no fault of ours; SQLite being new to Node is no news to an operator. */
function tameProcess(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
  });
}

function isSet(name: string): boolean {
  return (process.env[name] ?? '') !== '';
}
