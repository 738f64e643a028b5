import { PortiereError } from '../../errors.ts';

/** What can be written as YAML; keys whose value is undefined are left out. */
export type Yaml = string | number | boolean | null | readonly Yaml[] | YamlMap;
export interface YamlMap {
  readonly [key: string]: Yaml | undefined;
}

/** A grammar inside the texts of a document, such as the `$` of Compose. */
type Escape = (text: string) => string;

/**
 * A document in block style. Every text passes `escape` and is then quoted unless no reader of YAML could take it for
 * anything else; a NUL, half a surrogate pair or an odd key throws CONFIG_INVALID naming the place.
 */
export function emitYaml(document: YamlMap, escape: Escape = (text) => text): string {
  return `${mapLines(document, [], escape).join('\n')}\n`;
}

/** In a Compose file, where `$` begins a variable. */
export function escapeCompose(text: string): string {
  return text.replaceAll('$', '$$$$');
}

const key = /^[A-Za-z_][\w.-]*$/;
const widest = 100;

function mapLines(map: YamlMap, path: readonly string[], escape: Escape): string[] {
  return Object.entries(map).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const place = [...path, name];
    if (!key.test(name)) throw refusal(place, 'has a name that cannot be written');
    return under(`${scalar(name, place, same)}:`, value, place, escape);
  });
}

function under(head: string, value: Yaml, place: readonly string[], escape: Escape): string[] {
  if (!isNested(value)) return [`${head} ${scalar(value, place, escape)}`];
  if (!Array.isArray(value)) {
    const lines = mapLines(value as YamlMap, place, escape);
    return lines.length === 0 ? [`${head} {}`] : [head, ...lines.map(indented)];
  }
  const items = value as readonly Yaml[];
  const line = `${head} ${onOneLine(items, place, escape) ?? ''}`;
  // Depth costs two columns a level, and the line must still fit.
  if (line.length > head.length + 1 && line.length + 2 * place.length <= widest) return [line];
  return [
    head,
    ...items.flatMap((item, at) => itemLines(item, [...place, String(at)], escape)).map(indented),
  ];
}

/** Undefined where an item is more than a scalar. */
function onOneLine(items: readonly Yaml[], place: readonly string[], escape: Escape): string | undefined {
  if (items.some(isNested)) return undefined;
  return `[${items.map((item, at) => scalar(item as Scalar, [...place, String(at)], escape)).join(', ')}]`;
}

function itemLines(item: Yaml, place: readonly string[], escape: Escape): string[] {
  if (!isNested(item)) return [`- ${scalar(item, place, escape)}`];
  if (Array.isArray(item)) throw new PortiereError('BUG', `${place.join('.')}: a list in a list.`);
  const [first = '{}', ...rest] = mapLines(item as YamlMap, place, escape);
  return [`- ${first}`, ...rest.map(indented)];
}

type Scalar = string | number | boolean | null;

function isNested(value: Yaml): value is readonly Yaml[] | YamlMap {
  return typeof value === 'object' && value !== null;
}

function scalar(value: Scalar, place: readonly string[], escape: Escape): string {
  if (typeof value !== 'string') return String(value);
  const text = escape(value);
  return isPlain(text) ? text : quoted(text, place);
}

/** A word, path, reference, address, flag, time or size. */
const plain = /^(?:(?:[A-Za-z_]|\.{0,2}\/)(?:[\w./@+-]|:(?=[\w/]))*|--?[A-Za-z][\w-]*|\d{1,6}[smgk])$/;
const truths = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

/** Whether no reader takes it for a number, date, truth value or structure. */
function isPlain(text: string): boolean {
  return plain.test(text) && !truths.test(text) && text.length <= widest;
}

/** Readers disagree on what needs an escape, so everything but printable ASCII has one; JSON's pairs of \u are refused. */
function quoted(text: string, place: readonly string[]): string {
  if (/^[ -~]*["\\][ -~]*$/.test(text) && !text.includes("'")) return `'${text}'`;
  let out = '';
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point === 0) throw refusal(place, 'holds a NUL');
    if (point >= 0xd800 && point <= 0xdfff) throw refusal(place, 'holds half of a surrogate pair');
    out += escaped(character, point);
  }
  return `"${out}"`;
}

function escaped(character: string, point: number): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (point >= 0x20 && point <= 0x7e) return character;
  const digits = point.toString(16).toUpperCase();
  if (point <= 0xff) return `\\x${digits.padStart(2, '0')}`;
  return point <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

function indented(line: string): string {
  return `  ${line}`;
}

function same(text: string): string {
  return text;
}

function refusal(place: readonly string[], reason: string): PortiereError {
  return new PortiereError('CONFIG_INVALID', `${place.join('.')} ${reason}.`, {
    hint: 'Change it in the configuration; nothing was written.',
    problems: [{ path: place.join('.'), reason }],
  });
}
