import { PortiereError } from '../errors.ts';

/** Text that is safe at any place of a template of that grammar; only the grammar's encoder makes it. */
export type Encoded<Grammar extends string> = string & { readonly grammar: Grammar };

/**
 * A template with a value at each `{{name}}`. One alone on its line gives its indentation to every line of the value,
 * and takes the line away where the value is empty. A name without a value, or a value without a name, is a bug.
 */
export function fill<Grammar extends string>(
  template: string,
  values: Readonly<Record<string, Encoded<Grammar>>>,
): Encoded<Grammar> {
  const used = new Set<string>();
  const valueOf = (name: string): string => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new PortiereError('BUG', `A template asks for an unknown ${name}.`);
    used.add(name);
    return value;
  };
  const text = template
    .replaceAll(/^([ \t]*)\{\{(\w+)\}\}\n/gm, (_, pad: string, name: string) => indented(valueOf(name), pad))
    .replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => valueOf(name));
  const left = Object.keys(values).filter((name) => !used.has(name));
  if (left.length > 0) throw new PortiereError('BUG', `A template has no place for ${left.join(', ')}.`);
  return text as Encoded<Grammar>;
}

/** Filled pieces one after the other, with an empty line between them. */
export function joined<Grammar extends string>(pieces: readonly Encoded<Grammar>[]): Encoded<Grammar> {
  return pieces.map((piece) => piece.trimEnd()).join('\n\n') as Encoded<Grammar>;
}

function indented(value: string, pad: string): string {
  const lines = value.trimEnd().split('\n');
  if (lines.length === 1 && lines[0] === '') return '';
  return lines.map((line) => `${line === '' ? '' : pad + line}\n`).join('');
}
