const redacted = '[redacted]';

/**
 * A text that shows as `[redacted]` wherever it is printed (String, templates, JSON, inspect, spread, keys);
 * only `reveal()` gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.toPrimitive](): string {
    return redacted;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return redacted;
  }
}

/** The text behind a value that may be secret. */
export function revealed(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

/** Every secret value of a configuration, overridden ones included, without blanks or repeats: what a scrubber of output must hide. */
export function secretsIn(config: {
  readonly provenance: Readonly<Record<string, readonly { readonly value: string | Secret }[]>>;
}): readonly string[] {
  const values = Object.values(config.provenance)
    .flat()
    .flatMap(({ value }) => (value instanceof Secret && value.reveal() !== '' ? [value.reveal()] : []));
  return [...new Set(values)];
}
