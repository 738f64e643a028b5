import { PortiereError, type Problem } from '../errors.ts';
import { unprintable } from './unprintable.ts';

/** The variables of one `.env` file, each with the line it stands on (from 1). */
export interface DotenvFile {
  readonly filename: string;
  readonly values: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
}

/** Bytes of UTF-8 in a line, its end not counted. */
const longestLine = 65_536;
const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/su;
/** Needs no quotes anywhere: no `~` (sh expands it), no `#`, no quotes, no blanks, no `$`. */
const bare = '[A-Za-z0-9_./:@%+,=^-]+';
const singleQuoted = "'(?:[^']*[^'\\\\])?'";
const doubleQuoted = '"[^"$`\\\\]*"';
/**
 * A comment needs a space before it, and a value before that: Compose takes the comment of `A= # b` for its
 * value, and Node takes the next line for the value of an empty one with blanks after it.
 */
const value = new RegExp(`^(?:(${bare}|${singleQuoted}|${doubleQuoted})[ \\t]*(?: #.*)?)?$`, 'su');

/**
 * Reads a `.env` file, or throws ENV_FILE_INVALID with one problem per faulty line. Accepted is only what
 * Docker Compose, the dotenv package, Node's util.parseEnv and sh read alike, one variable a line:
 *
 *     KEY=value            letters, digits and _ . / : @ % + , = ^ - ; may be empty, then without blanks after =
 *     KEY='any $text #1'   literal: no ' inside, no backslash at the end
 *     KEY="it's text"      no " $ ` or backslash inside
 *
 * plus blank lines, lines whose first character is #, a comment after a value and a space, LF or CRLF line ends, and a
 * last line without one. KEY starts with a letter or _, then letters, digits and _. Refused by name: export,
 * blanks around =, dotted names, duplicates, control characters, a byte order mark, UTF-16, and lines over
 * 64 KiB. No message repeats a value.
 */
export function parseDotenv(text: string, filename: string): DotenvFile {
  const { file, problems } = inspectDotenv(text, filename);
  if (problems.length > 0) throw invalid(filename, problems);
  return file;
}

/** Like `parseDotenv`, with the lines that can be read and the problems of the others side by side. */
export function inspectDotenv(
  text: string,
  filename: string,
): { readonly file: DotenvFile; readonly problems: readonly Problem[] } {
  const values = new Map<string, { value: string; line: number }>();
  const problems: Problem[] = [];
  const encoding = encodingFault(text);
  if (encoding !== undefined) {
    return { file: { filename, values }, problems: [{ path: `${filename}:1`, ...encoding }] };
  }
  const lines = text.split('\n');
  for (const [index, raw] of lines.entries()) {
    const number = index + 1;
    const line = number < lines.length && raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const read = readLine(line);
    if (read === undefined) continue;
    if ('reason' in read) {
      problems.push({ path: `${filename}:${number}`, ...read });
      continue;
    }
    const earlier = values.get(read.key)?.line;
    if (earlier === undefined) values.set(read.key, { value: read.value, line: number });
    else
      problems.push({
        path: `${filename}:${number}`,
        reason: `${read.key} is already set on line ${earlier}`,
      });
  }
  return { file: { filename, values }, problems };
}

/** The text to write after `KEY=` so that every reader gives `text` back; throws ENV_FILE_INVALID where there is none. */
export function quoteDotenv(text: string): string {
  const candidates = [text, `'${text}'`, `"${text}"`];
  const fits = candidates.find((candidate) => {
    const read = readLine(`K=${candidate}`);
    return read !== undefined && 'value' in read && read.value === text;
  });
  if (fits !== undefined) return fits;
  throw new PortiereError(
    'ENV_FILE_INVALID',
    'A value cannot be written to a .env file so that every program reads it alike.',
    {
      hint: 'Put it into a file of its own and set NAME_FILE to the path of that file.',
    },
  );
}

type Fault = Omit<Problem, 'path'>;

function invalid(filename: string, problems: readonly Problem[]): PortiereError {
  const count = problems.length === 1 ? 'one line' : `${problems.length} lines`;
  return new PortiereError('ENV_FILE_INVALID', `${filename}: ${count} cannot be read.`, {
    hint: `Correct ${filename}; nothing was changed.`,
    problems,
  });
}

function encodingFault(text: string): Fault | undefined {
  const utf16 = text.startsWith('\uFFFD\uFFFD') || /^\uFEFF?.?\0|^\uFEFF?\0./su.test(text);
  if (utf16) return { reason: 'the file is UTF-16, or not text; save it as UTF-8' };
  if (text.startsWith('\uFEFF'))
    return { reason: 'the file starts with a byte order mark; save it as UTF-8 without one' };
  return undefined;
}

function readLine(line: string): { key: string; value: string } | Fault | undefined {
  if (isTooLong(line)) return { reason: 'the line is longer than 64 KiB' };
  const hidden = unprintable(line.replaceAll('\t', ' '));
  if (hidden !== undefined) return { reason: `the line holds ${hidden}` };
  if (/^(?:#|[ \t]*$)/u.test(line)) return undefined;
  if (/^[ \t]+#/u.test(line)) return { reason: 'no blanks before the # of a comment' };
  const [, key, rest] = assignment.exec(line) ?? [];
  if (key === undefined || rest === undefined) return nameFault(line);
  const match = value.exec(rest);
  if (match === null) return valueFault(key, rest);
  const written = match[1] ?? '';
  return { key, value: /^['"]/u.test(written) ? written.slice(1, -1) : written };
}

function isTooLong(line: string): boolean {
  if (line.length * 3 <= longestLine) return false;
  return line.length > longestLine || new TextEncoder().encode(line).length > longestLine;
}

function nameFault(line: string): Fault {
  const exported = /^\s*export\s+([A-Za-z_][A-Za-z0-9_]*)/u.exec(line)?.[1];
  if (exported !== undefined) {
    return { reason: `${exported}: write it without export`, suggestion: `${exported}=…` };
  }
  const spaced = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=/u.exec(line)?.[1];
  if (spaced !== undefined) {
    return { reason: `${spaced}: no blanks before the name or around =`, suggestion: `${spaced}=…` };
  }
  const dotted = /^\s*([A-Za-z_]\w*(?:\.\w+)+)\s*=/u.exec(line)?.[1];
  if (dotted !== undefined) {
    return {
      reason: `${dotted}: names with dots are not variables; set it under settings: in the configuration file`,
    };
  }
  return { reason: 'not a line of the form KEY=value, KEY a letter or _, then letters, digits and _' };
}

function valueFault(key: string, rest: string): Fault {
  if (/^[ \t]/u.test(rest)) {
    const isEmpty = /^[ \t]*(?:#|$)/u.test(rest);
    return {
      reason: `${key}: no blanks after =`,
      suggestion: isEmpty ? `${key}=` : quotedForm(key, rest.trim()),
    };
  }
  const quote = /^['"]/u.exec(rest)?.[0];
  if (quote === undefined) {
    return {
      reason: `${key}: the value needs quotes, programs read it differently`,
      suggestion: quotedForm(key, rest),
    };
  }
  const name = quote === "'" ? 'single' : 'double';
  const end = rest.indexOf(quote, 1);
  if (end === -1) return { reason: `${key}: the ${name} quote is not closed on its line` };
  const inner = rest.slice(1, end);
  if (quote === "'" && inner.endsWith('\\')) {
    return { reason: `${key}: a backslash before the closing quote is read differently`, ...toFile(key) };
  }
  if (quote === '"' && /[$`\\]/u.test(inner)) {
    return {
      reason: `${key}: $, \` and backslash are not allowed in double quotes`,
      suggestion: quotedForm(key, inner),
    };
  }
  return { reason: `${key}: text after the closing quote`, suggestion: quotedForm(key, inner) };
}

/** The form to use, by what the text holds; the text itself may be a secret and is never shown. */
function quotedForm(key: string, text: string): string {
  if (!text.includes("'") && !text.endsWith('\\')) return `${key}='…'`;
  return /["$`\\]/u.test(text) ? toFile(key).suggestion : `${key}="…"`;
}

function toFile(key: string): { suggestion: string } {
  return { suggestion: `${key}_FILE=/path/of/a/file/with/the/value` };
}
