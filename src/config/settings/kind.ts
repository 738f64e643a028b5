import { z } from 'zod';
import { unprintable } from '../unprintable.ts';

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9])?)*$/u;

/** What a setting holds: how its text is read, and what a config file may hold for editors to check. */
export interface Kind<Value = unknown> {
  /** Text (of a variable, or a config file's scalar as text) to value; the message says what it must be. */
  readonly schema: z.ZodType<Value, string>;
  readonly inFile: z.ZodType;
  /** The valid text someone probably meant by an invalid one. */
  readonly meant?: (text: string) => string | undefined;
}

/** Any text on one line; blank only where `blank` says so. */
export function text(options: { blank: boolean }): Kind<string> {
  return textKind(options.blank ? /^/u : /\S/u, options.blank ? 'text on one line' : 'text, not blank');
}

/** A path of the file system, any characters but control ones. */
export function path(options: { blank: boolean }): Kind<string> {
  return textKind(options.blank ? /^/u : /\S/u, 'a path');
}

/** A path that any configuration grammar takes unquoted (it is written into the proxy's); may be blank. */
export const plainPath = textKind(/^[\w./@+,=%-]*$/u, 'a path of letters, digits and ./_@+,=%-');

export const indexName = textKind(
  /^[a-z][a-z0-9_-]{0,63}$/u,
  'a letter, then lower case letters, digits, - and _',
);
export const collectionName = textKind(
  /^[a-z][a-z0-9_]{0,63}$/u,
  'a letter, then lower case letters, digits and _',
);
export const modulePath = textKind(
  /^[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)*$/u,
  'a Python module such as tasks or app.worker',
);
export const optionalHost = textKind(
  (given) => given === '' || hostName.test(given),
  'a host name, or blank',
);
export const token = textKind(/^[\w-]+$/u, 'letters, digits, _ and -');
export const databaseName = textKind(
  /^[A-Za-z_][\w-]{0,62}$/u,
  'a letter, then up to 62 letters, digits, _ or -',
);
export const modelName = textKind(
  /^[\w][\w.-]*(?:\/[\w.-]+)?$/u,
  'a model name such as hashing or owner/model',
);

/** A user as basic authentication takes one: no colon, no space. */
export const userName = textKind(/^[!-9;-~]{1,256}$/u, 'a user name without spaces and colons');

export const secretText = textKind(/^/u, 'text on one line');

export const host: Kind<string> = textKind(
  (given) => hostName.test(given) || (/^[\da-f:.]+$/iu.test(given) && URL.canParse(`http://[${given}]`)),
  'a host name or an IP address',
);

/** An address without credentials, whose scheme is one of `schemes`. */
export function url(schemes: readonly string[] = ['http', 'https']): Kind<string> {
  return textKind(
    (given) => isAddress(given, schemes),
    `an address such as ${schemes.at(-1)}://host:port, without user or password`,
  );
}

/** The same over HTTP, or blank. */
export const optionalUrl: Kind<string> = textKind(
  (given) => given === '' || isAddress(given, ['http', 'https']),
  'an address such as https://host:port, without user or password, or blank',
);

/** Addresses of the nodes of one cluster, separated by commas; all of them by one scheme. */
export const nodeUrls: Kind<readonly [string, ...string[]]> = {
  schema: readBy((given) => {
    const [first = '', ...others] = given.split(',').map((part) => part.trim());
    const schemes = [first.split(':')[0] ?? ''];
    const good = isAddress(first, ['http', 'https']) && others.every((other) => isAddress(other, schemes));
    return good ? ([first, ...others] as const) : undefined;
  }, 'an address such as https://host:port, without user or password, or several of one cluster separated by commas'),
  inFile: z.string(),
};

function isAddress(given: string, schemes: readonly string[]): boolean {
  const pattern = new RegExp(`^(?:${schemes.join('|')})://[\\w.:[\\]-]+(?:/[\\w.~/%+-]*)?$`, 'u');
  return pattern.test(given) && URL.canParse(given);
}

/** The address of a message broker; it may carry a password. Blank: made from the Redis settings. */
export const brokerUrl: Kind<string> = textKind(
  (given) => given === '' || (/^(?:rediss?|amqps?):\/\/[^\s"'\\]+$/u.test(given) && URL.canParse(given)),
  'a redis://, rediss://, amqp:// or amqps:// address',
);

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number): Kind<number> {
  const read = (given: string) => {
    const value = /^(?:0|[1-9]\d{0,14})$/u.test(given) ? Number(given) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  };
  const inFile = z.union([z.int().min(min).max(max), z.string().regex(/^(?:0|[1-9]\d{0,14})$/)]);
  return { schema: readBy(read, `a whole number from ${min} to ${max}`), inFile };
}

export const port = integer(1, 65_535);

const truths = new Map([
  ...['yes', 'on', '1', 'y', 'true'].map((word) => [word, 'true'] as const),
  ...['no', 'off', '0', 'n', 'false'].map((word) => [word, 'false'] as const),
]);

export const boolean: Kind<boolean> = {
  schema: readBy((given) => ({ true: true, false: false })[given as 'true' | 'false'], 'true or false'),
  inFile: z.union([z.boolean(), z.enum(['true', 'false'])]),
  meant: (given) => truths.get(given.toLowerCase()),
};

/** One of a few words, exactly as written. */
export function choice<const Word extends string>(words: readonly Word[]): Kind<Word> {
  return {
    schema: readBy((given) => words.find((word) => word === given), `one of ${words.join(', ')}`),
    inFile: z.enum(words),
    meant: (given) => words.find((word) => word.toLowerCase() === given.toLowerCase()),
  };
}

/** Comma-separated items, spaces around them dropped; blank means none. `what` names one item. */
export function list(item: RegExp, what: string): Kind<readonly string[]> {
  const read = (given: string) => {
    const items = given.trim() === '' ? [] : given.split(',').map((part) => part.trim());
    return items.every((part) => item.test(part)) ? items : undefined;
  };
  return { schema: readBy(read, `${what}, several separated by commas`), inFile: z.string() };
}

const javaOption = /^-[\w.:=/+,%-]+$/u;

/** Options of a Java machine separated by spaces, kept as given. */
export const javaOptions: Kind<string> = textKind(
  (given) => given.split(' ').every((word) => word === '' || javaOption.test(word)),
  'Java options such as -Xms512m -Xmx512m',
);

function textKind(accepts: RegExp | ((given: string) => boolean), expected: string): Kind<string> {
  const test = accepts instanceof RegExp ? (given: string) => accepts.test(given) : accepts;
  const scalars = z.union([z.string(), z.number(), z.boolean()]);
  return { schema: readBy((given) => (test(given) ? given : undefined), expected), inFile: scalars };
}

function readBy<Value>(
  read: (given: string) => Value | undefined,
  expected: string,
): z.ZodType<Value, string> {
  return z.string().transform((given, context) => {
    const hidden = unprintable(given);
    const value = hidden === undefined ? read(given) : undefined;
    if (value !== undefined) return value;
    const message = hidden === undefined ? `must be ${expected}` : `must be ${expected}; it holds ${hidden}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}
