import { describe, expect, it } from 'vitest';

import { explain, schema, show, validate } from '../../src/commands/config.ts';
import { fakePorts } from '../support/ports.ts';
import { viewed } from './given.ts';

const secret = 'm3Qv8ZrT1xKp7LwN5bYc9HdJ2fGs6AeU4iOo0RtXzWq';
const world = {
  config: { name: 'shop', settings: { API_PORT: 8001 } },
  files: { '.env.embedded': `JWT_SECRET=${secret}\n` },
  env: { API_PORT: '8002' },
};

describe('config', () => {
  it('validate says which file is good, or tells every problem at once', async () => {
    const outcome = await validate(fakePorts(world), {});
    expect(outcome.data).toMatchObject({ environment: 'embedded', name: 'shop' });
    expect(viewed(await validate(fakePorts(), {}))).toContain('defaults only');
    const bad = fakePorts({ config: { settings: { API_PRT: 1, API_PORT: 'many' }, colour: 'red' } });
    const error: unknown = await validate(bad, {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 3 });
    expect((error as { problems: unknown[] }).problems).toHaveLength(3);
  });

  it('show lists every setting with who set it, secrets redacted and hidden', async () => {
    const ports = fakePorts(world);
    const outcome = await show(ports, {});
    expect(viewed(outcome)).toMatch(/API_PORT \| 8002 \| /);
    expect(viewed(outcome)).toMatch(/JWT_SECRET \| \[redacted\] \| \.env\.embedded:1/);
    expect(JSON.stringify(outcome)).not.toContain(secret);
    expect(ports.hidden).toContain(secret);
  });

  it('explain tells the layers of one setting, the strongest last', async () => {
    const { data } = await explain(fakePorts(world), { key: 'api_port' });
    expect(data).toMatchObject({ name: 'API_PORT', value: '8002', secret: false });
    const { sources } = data as { sources: { value: string }[] };
    expect(sources.map(({ value }) => value).slice(-2)).toEqual(['8001', '8002']);
    expect((await explain(fakePorts(world), { key: 'JWT_SECRET' })).data).toMatchObject({
      value: '[redacted]',
    });
  });

  it('explain of an unknown name suggests the nearest, even where the config is broken', async () => {
    const broken = fakePorts({ config: { colour: 'red' } });
    await expect(explain(broken, { key: 'API_PROT' })).rejects.toMatchObject({
      code: 'SETTING_UNKNOWN',
      hint: 'Did you mean API_PORT?',
    });
  });

  it('schema is a JSON Schema', async () => {
    expect((await schema()).data).toMatchObject({
      $schema: expect.stringContaining('2020-12'),
      type: 'object',
    });
  });

  it('warns of an .env of an environment that others may read', async () => {
    const ports = fakePorts(world);
    ports.modes.set('/nowhere/project/.env.embedded', 0o644);
    await validate(ports, {});
    expect(ports.shown.warnings).toEqual([expect.stringContaining('chmod 600 .env.embedded')]);
  });

  it('refuses a folder that is not there', async () => {
    await expect(validate(fakePorts(), { cwd: 'none' })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
