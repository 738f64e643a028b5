import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

/** Secrets by name, each a value that stands nowhere else. */
export type Canaries = Readonly<Record<string, string>>;

/** `name: notation` of every canary that a text holds, in any notation; the text of a PEM key counts line by line. */
export function canariesIn(text: string, canaries: Canaries): readonly string[] {
  return Object.entries(canaries).flatMap(([name, value]) =>
    Object.entries(notationsOf(value)).flatMap(([notation, forms]) =>
      forms.some((form) => text.includes(form)) ? [`${name}: ${notation}`] : [],
    ),
  );
}

/** The same for what a program prints, however much, such as `docker save`. */
export async function canariesPrinted(
  program: readonly string[],
  { canaries, folder }: { readonly canaries: Canaries; readonly folder: string },
): Promise<readonly string[]> {
  const patterns = Object.values(canaries).flatMap((value) => Object.values(notationsOf(value)).flat());
  await writeFile(`${folder}/patterns`, `${patterns.join('\n')}\n`, { mode: 0o600 });
  const script = '"$@" | grep --text --only-matching --fixed-strings --file "$0"; exit "${PIPESTATUS[0]}"';
  const child = spawn('bash', ['-c', script, `${folder}/patterns`, ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let found = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (found += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${program.join(' ')} ended with ${code}`);
  return canariesIn(found, canaries);
}

function notationsOf(value: string): Readonly<Record<string, readonly string[]>> {
  const lines = value.split('\n').filter((line) => line.length >= 8 && !line.startsWith('-----'));
  const all = (form: (line: string) => readonly string[]): readonly string[] => lines.flatMap(form);
  return {
    plain: all((line) => [line]),
    base64: all(base64Within),
    URL: all((line) => [encodeURIComponent(line), encodeURIComponent(line).replaceAll('%20', '+')]),
    hex: all((line) => [Buffer.from(line).toString('hex'), Buffer.from(line).toString('hex').toUpperCase()]),
    escaped: all((line) => [
      JSON.stringify(line).slice(1, -1),
      JSON.stringify(JSON.stringify(line)).slice(3, -3),
      line.replaceAll('$', '$$$$'),
      JSON.stringify(line).slice(1, -1).replaceAll('$', '$$$$'),
    ]),
  };
}

/** As it shows wherever it begins in what is encoded: behind `user:` or in the middle of a file. */
function base64Within(value: string): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64');
    const inner = before === 0 ? whole : whole.slice(4);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** What processes were seen to be called with. */
export interface CommandLines {
  readonly seen: () => { readonly looks: number; readonly lines: readonly string[] };
  readonly stop: () => void;
}

/** Looks every 50 ms at the command lines of all processes of this machine, those in containers included. */
export function watchCommandLines(): CommandLines {
  const seen = new Set<string>();
  let looks = 0;
  const look = (): void => {
    looks += 1;
    for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) seen.add(commandLine(name));
  };
  look();
  const timer = setInterval(look, 50);
  return {
    seen: () => ({ looks, lines: [...seen] }),
    stop() {
      clearInterval(timer);
    },
  };
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Puts other secrets into `.env.<environment>` of a project. */
export async function setSecrets(file: string, secrets: Canaries): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const others = lines.filter(
    (line) => !(line.split('=')[0] ?? '').replace(/^# /, '').match(namesOf(secrets)),
  );
  const own = Object.entries(secrets).map(([name, value]) => `${name}='${value}'\n`);
  await writeFile(file, `${others.join('\n').trimEnd()}\n${own.join('')}`, { mode: 0o600 });
}

function namesOf(secrets: Canaries): RegExp {
  return new RegExp(`^(?:${Object.keys(secrets).join('|')})$`);
}

/** A password with the characters that shells, YAML, URLs, SQL and configuration files each read in their own way. */
export function oddSecret(): string {
  return `Zq"\\$x &%+/#=${randomBytes(18).toString('base64url')}`;
}
