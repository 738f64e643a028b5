import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { init } from '../../src/commands/init.ts';
import { fakePorts, root } from '../support/ports.ts';
import { viewed } from './given.ts';

const at = (name: string): string => path.join(root, name);

describe('init', () => {
  it('writes config, ignore lines, secrets that only the owner reads, and the schema', async () => {
    const ports = fakePorts();
    const outcome = await init(ports, {});
    expect([...ports.disk.keys()].map((file) => path.relative(root, file)).sort()).toEqual([
      '.env.embedded',
      '.gitignore',
      '.portiere/portiere.schema.json',
      'portiere.config.yaml',
    ]);
    expect(ports.modes.get(at('.env.embedded'))).toBe(0o600);
    expect(ports.disk.get(at('portiere.config.yaml'))).toMatch(/name: "?project"?\nenvironment: embedded/);
    const secret = /JWT_SECRET=(\S+)/.exec(ports.disk.get(at('.env.embedded')) ?? '')?.[1];
    expect(secret).toHaveLength(43);
    expect(JSON.stringify(outcome)).not.toContain(secret);
    expect(viewed(outcome)).toContain('Next: portiere up');
  });

  it('adds only what is missing', async () => {
    const files = {
      'portiere.config.yaml': 'version: 1\n',
      '.gitignore': 'dist',
      '.env.embedded': 'JWT_SECRET=mine\n',
    };
    const ports = fakePorts({ files });
    await init(ports, {});
    expect(ports.disk.get(at('portiere.config.yaml'))).toBe('version: 1\n');
    expect(ports.disk.get(at('.gitignore'))).toMatch(/^dist\n\.env\n/);
    expect(ports.disk.get(at('.env.embedded'))).toMatch(/^JWT_SECRET=mine\nAPI_KEY_SALT=/);
    const before = new Map(ports.disk);
    expect(viewed(await init(ports, {}))).toContain('Nothing was missing.');
    expect(ports.disk).toEqual(before);
  });

  it('only tells on a dry run', async () => {
    const ports = fakePorts();
    const { data } = await init(ports, { dryRun: true });
    expect(ports.disk.size).toBe(0);
    expect(data).toMatchObject({ files: [{ action: 'create' }, { action: 'create' }, { action: 'create' }] });
  });

  it('asks a person for name and environment, and nobody else', async () => {
    const questions: string[] = [];
    const { caller } = fakePorts();
    const ports = fakePorts({
      ports: {
        caller: { ...caller, interactive: true },
        prompt: {
          async text(question) {
            questions.push(question);
            return 'chosen';
          },
          async choose(question) {
            questions.push(question);
            return 'dev';
          },
          confirm: async () => true,
        },
      },
    });
    await init(ports, {});
    expect(questions).toHaveLength(2);
    expect(ports.disk.get(at('portiere.config.yaml'))).toMatch(/name: "?chosen"?\nenvironment: dev/);
    expect(ports.disk.has(at('.env.dev'))).toBe(true);
    await init(ports, { name: 'given', env: 'test' });
    expect(questions).toHaveLength(2);
  });

  it.each([
    [{ name: 'No Good' }, 'USAGE'],
    [{ env: 'No/Good' }, 'ENVIRONMENT_UNKNOWN'],
  ])('refuses %o and writes nothing', async (options, code) => {
    const ports = fakePorts();
    await expect(init(ports, options)).rejects.toMatchObject({ code });
    expect(ports.disk.size).toBe(0);
  });
});
