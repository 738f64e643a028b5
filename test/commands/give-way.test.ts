import { execFileSync } from 'node:child_process';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

const module = fileURLToPath(new URL('../../src/commands/give-way.ts', import.meta.url));

describe.skipIf(platform() !== 'linux')('giving way (on Linux)', () => {
  it('lowers the priority of every thread that the program has, once', () => {
    const script = `
      import { readdirSync, readFileSync } from 'node:fs';
      import { giveWay } from ${JSON.stringify(module)};
      giveWay();
      giveWay();
      const nice = (thread) => readFileSync('/proc/self/task/' + thread + '/stat', 'utf8').split(') ')[1].split(' ')[16];
      console.log(readdirSync('/proc/self/task').map(nice).join());`;
    const told = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    const priorities = told.trim().split(',');
    expect(priorities.length).toBeGreaterThan(3);
    expect(new Set(priorities)).toEqual(new Set(['10']));
  });
});
