import { describe, expect, it } from 'vitest';

import { revealed } from '../../src/config/secret.ts';
import { targets } from '../../src/render/targets.ts';
import { builtStack, goldenStacks, sourcesOf } from '../support/stack.ts';

describe.each(Object.keys(goldenStacks))('the rendered files of %s', (environment) => {
  const { config, stack } = builtStack(goldenStacks[environment]);
  const sources = sourcesOf(config);

  for (const target of Object.values(targets)) {
    const files = target.files(stack, sources);

    // Of the secrets, the two that we compose.
    const shown = files.filter(({ path }) => !path.startsWith('secrets/') || /redis\.conf|BROKER/.test(path));
    it.each(shown.map((file) => [file.path, file] as const))(`${target.name}: %s`, async (path, file) => {
      await expect(revealed(file.content)).toMatchFileSnapshot(
        `../golden/${target.name}/${environment}/${path}`,
      );
    });

    it(`${target.name}: the same bytes each time, no path twice, no secret in what others may read`, () => {
      expect(target.files(builtStack(goldenStacks[environment]).stack, sources)).toEqual(files);
      expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
      const secrets = stack.secrets.map(({ content }) => content.reveal()).filter((text) => text.length > 8);
      for (const { content } of files) {
        if (typeof content !== 'string') continue;
        expect(secrets.filter((secret) => content.includes(secret))).toEqual([]);
      }
    });
  }

  it('says where secrets lie and how open each file is', () => {
    const modes = Object.values(targets).flatMap((target) =>
      target.files(stack, sources).map(({ path, mode }) => [path, mode] as const),
    );
    for (const [path, mode] of modes) {
      expect([path, mode]).toEqual([
        path,
        path.startsWith('secrets/') ? 0o444 : path.endsWith('.env') ? 0o600 : 0o644,
      ]);
    }
  });
});
