import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { run } from './command.ts';

export interface StartOptions {
  /** Flags of `docker run` before the image. */
  readonly flags?: readonly string[];
  readonly command?: readonly string[];
}

export interface FileOptions {
  readonly name: string;
  readonly text: string;
  /** `uid:gid` */
  readonly owner: string;
  /** Octal digits. */
  readonly mode: string;
}

/** The same flag before each of the values. */
export function each(flag: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [flag, value]);
}

/** The words of a line, for flags without blanks inside. */
export function words(line: string): string[] {
  return line.split(' ');
}

/** What one test file starts in the engine; all of it is labelled, and `removeAll` takes all of it away. */
export class Containers {
  readonly #id = randomUUID().slice(0, 8);
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** The flags that mark a thing as this file's. */
  get labels(): readonly string[] {
    return ['--label', 'io.portiere.test=images', '--label', `io.portiere.test.run=${this.#id}`];
  }

  /** Starts a container in the background under a name of its own; gives that name. */
  async start(image: string, { flags = [], command = [] }: StartOptions = {}): Promise<string> {
    const name = `portiere-test-${this.#id}-${randomUUID().slice(0, 4)}`;
    const mine = ['--detach', '--pull', 'never', '--name', name, ...this.labels];
    await this.docker(['run', ...mine, ...flags, image, ...command]);
    return name;
  }

  /** Runs a container to its end; gives what it printed, throws where it failed. */
  async once(image: string, { flags = [], command = [] }: StartOptions = {}): Promise<string> {
    return await this.docker(['run', '--rm', '--pull', 'never', ...this.labels, ...flags, image, ...command]);
  }

  /** Runs a shell command in a container; gives its stdout. */
  async exec(name: string, script: string): Promise<string> {
    return (await this.docker(['exec', name, 'sh', '-c', script])).trim();
  }

  /** A volume with one file of that owner and mode, as a secret arrives; written by root inside, as we may not be. */
  async file(image: string, file: FileOptions): Promise<string> {
    const volume = await this.create('volume');
    const script = 'cd /s; umask 077; printf %s "$1" > "$0"; chown "$2" "$0"; chmod "$3" "$0"; chmod 755 .';
    await this.once(image, {
      flags: ['--user', '0:0', '--entrypoint', 'sh', '--volume', `${volume}:/s`],
      command: ['-c', script, file.name, file.text, file.owner, file.mode],
    });
    return volume;
  }

  /** Makes a volume or a network; gives its name. */
  async create(kind: 'volume' | 'network'): Promise<string> {
    const name = `portiere-test-${this.#id}-${randomUUID().slice(0, 4)}`;
    await this.docker([kind, 'create', ...this.labels, name]);
    return name;
  }

  /** The address on this machine where a container's port is published. */
  async address(name: string, port: number): Promise<string> {
    const [first = ''] = (await this.docker(['port', name, String(port)])).split('\n');
    return `http://${first}`;
  }

  /** Repeats a check until it gives true; throws with the container's last log lines after that many seconds. */
  async until(name: string, check: () => Promise<boolean>, seconds: number): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      if (await check().catch(() => false)) return;
      await pause(200);
    }
    const logs = await this.logs(name);
    throw new Error(`${name} did not get there in ${seconds} s:\n${logs.split('\n').slice(-40).join('\n')}`);
  }

  /** Both streams of a container so far. */
  async logs(name: string): Promise<string> {
    return await run('sh', ['-c', 'docker logs "$0" 2>&1', name], { env: this.#env });
  }

  async docker(args: readonly string[]): Promise<string> {
    return await run('docker', args, { env: this.#env, seconds: 120 });
  }

  async removeAll(): Promise<void> {
    const mine = ['--quiet', '--filter', `label=io.portiere.test.run=${this.#id}`];
    const remove = async (list: readonly string[], how: readonly string[]): Promise<void> => {
      const ids = (await this.docker([...list, ...mine])).split('\n').filter(Boolean);
      if (ids.length > 0) await this.docker([...how, ...ids]);
    };
    await remove(['ps', '--all'], ['rm', '--force', '--volumes']);
    await remove(['volume', 'ls'], ['volume', 'rm', '--force']);
    await remove(['network', 'ls'], ['network', 'rm']);
  }
}
