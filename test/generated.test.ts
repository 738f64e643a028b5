import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { generatedFiles } from './support/generate.ts';

const root = new URL('../', import.meta.url);
const text = (name: string): string => readFileSync(new URL(name, root), 'utf8');

describe('what is made from the code (npm run generate)', () => {
  for (const [name, generated] of generatedFiles(text('README.md'))) {
    it(`${name} is up to date`, () => {
      expect(text(name)).toBe(generated);
    });
  }
});
