import { describe, expect, it } from 'vitest';

import { Secret } from '../../src/config/secret.ts';
import {
  type DesiredFile,
  type FoundFile,
  planWrite,
  refuseEdited,
  type WriteFacts,
  type WritePlan,
} from '../../src/plan/write.ts';

const plain = (path: string, content: string): DesiredFile => ({
  path,
  content,
  mode: 0o644,
  target: 'compose',
});
const secret = (path: string, text: string): DesiredFile => ({
  path,
  content: new Secret(text),
  mode: 0o444,
  target: 'compose',
});
const fingerprint = (text: string): string => `keyed ${text.length} ${text.slice(-1)}`;

const planOf = (facts: Partial<WriteFacts>): WritePlan =>
  planWrite({ desired: [], found: new Map(), written: {}, targets: ['compose'], fingerprint, ...facts });
const actionsOf = ({ actions }: WritePlan): readonly string[] =>
  actions.map(({ path, action }) => `${action} ${path}`);
const lying = (files: readonly DesiredFile[], mode?: number): Map<string, FoundFile> =>
  new Map(
    files.map((file) => [
      file.path,
      {
        text: typeof file.content === 'string' ? file.content : file.content.reveal(),
        mode: mode ?? file.mode,
      },
    ]),
  );

const first = [plain('compose.yaml', 'a\nb\n'), secret('secrets/X', 'hidden')];
const { after: written } = planOf({ desired: first });

describe('writing a folder of files', () => {
  it('creates what is not there, and leaves alone what is as it should be', () => {
    expect(actionsOf(planOf({ desired: first }))).toEqual(['create compose.yaml', 'create secrets/X']);
    const again = planOf({ desired: first, found: lying(first), written });
    expect(actionsOf(again)).toEqual(['unchanged compose.yaml', 'unchanged secrets/X']);
    expect(again.after).toEqual(written);
  });

  it('updates what we wrote, in text or mode', () => {
    const next = [plain('compose.yaml', 'a\nc\n'), secret('secrets/X', 'other')];
    expect(actionsOf(planOf({ desired: next, found: lying(first), written }))).toEqual([
      'update compose.yaml',
      'update secrets/X',
    ]);
    const opened = planOf({ desired: first, found: lying(first, 0o666), written });
    expect(actionsOf(opened)).toEqual(['update compose.yaml', 'update secrets/X']);
  });

  it('removes what we wrote and render no longer, but nothing of another target and nothing of others', () => {
    const found = lying([...first, plain('theirs', 'x')]);
    expect(actionsOf(planOf({ found, written }))).toEqual(['remove compose.yaml', 'remove secrets/X']);
    const other = planOf({ found, written, targets: ['nginx'] });
    expect([actionsOf(other), other.after]).toEqual([[], written]);
    expect(actionsOf(planOf({ written }))).toEqual([]);
  });

  it('sees what somebody edited, by its text, wherever it would be touched', () => {
    const found = lying([plain('compose.yaml', 'a\nmine\n'), secret('secrets/X', 'mine!')]);
    const edited = planOf({ desired: first, found, written });
    expect(actionsOf(edited)).toEqual(['edited compose.yaml', 'edited secrets/X']);
    expect(actionsOf(planOf({ found, written }))).toEqual(['edited compose.yaml', 'edited secrets/X']);
    // A file that was there before us.
    expect(actionsOf(planOf({ desired: first, found }))).toEqual(['edited compose.yaml', 'edited secrets/X']);
  });

  it('takes a write that was killed for ours, before and after each file', () => {
    const next = [plain('compose.yaml', 'a\nc\n'), secret('secrets/X', 'other')];
    const last = [plain('compose.yaml', 'a\nd\n'), secret('secrets/X', 'third')];
    const { before } = planOf({ desired: next, found: lying(first), written });
    for (const there of [first, next, [next[0], first[1]] as DesiredFile[]]) {
      const plan = planOf({ desired: last, found: lying(there), written: before });
      expect(actionsOf(plan)).toEqual(['update compose.yaml', 'update secrets/X']);
    }
    const fresh = planOf({ desired: first }).before;
    expect(actionsOf(planOf({ desired: next, found: lying(first), written: fresh }))).toEqual([
      'update compose.yaml',
      'update secrets/X',
    ]);
  });

  it('notes digests, and of a secret only the keyed fingerprint', () => {
    expect(written['secrets/X']).toEqual({ target: 'compose', digest: 'keyed 6 n', secret: true });
    expect(written['compose.yaml']?.digest).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(written)).not.toContain('hidden');
  });
});

describe('refusing what was edited', () => {
  const found = lying([plain('compose.yaml', 'a\nmine\n'), secret('secrets/X', 'mine!')]);

  it('names the files and shows what differs, but nothing of a secret', () => {
    const plan = planOf({ desired: first, found, written });
    let message = '';
    try {
      refuseEdited(plan, '/there');
    } catch (error) {
      expect(error).toMatchObject({
        code: 'FILE_EDITED',
        exitCode: 10,
        hint: expect.stringContaining('--force'),
      });
      message = (error as Error).message;
    }
    expect(message).toContain('compose.yaml, secrets/X in /there');
    expect(message).toContain('--- compose.yaml (there)\n+++ compose.yaml (rendered)\n a\n-mine\n+b\n');
    expect(message).not.toMatch(/hidden|mine!/);
  });

  it('lets everything else pass', () => {
    expect(() => refuseEdited(planOf({ desired: first, found: lying(first), written }), '/x')).not.toThrow();
  });

  it('shows at most 40 lines, those that differ with two around them', () => {
    const lines = Array.from({ length: 200 }, (_, at) => `line ${at}`);
    const mine = lines.map((line, at) => (at === 100 ? 'mine' : line)).join('\n');
    const one = planOf({ desired: [plain('f', lines.join('\n'))], found: lying([plain('f', mine)]) });
    expect(one.actions[0]?.diff?.split('\n').slice(2)).toEqual([
      '@@',
      ' line 98',
      ' line 99',
      '-mine',
      '+line 100',
      ' line 101',
      ' line 102',
    ]);
    const all = planOf({
      desired: [plain('f', lines.join('\n'))],
      found: lying([plain('f', 'x\n'.repeat(200))]),
    });
    const shown = all.actions[0]?.diff?.split('\n') ?? [];
    expect(shown.length).toBe(43);
    expect(shown.at(-1)).toMatch(/^\.\.\. \d+ more lines$/);
    const huge = planOf({
      desired: [plain('f', 'a\n'.repeat(3000))],
      found: lying([plain('f', 'b\n'.repeat(3000))]),
    });
    expect(huge.actions[0]?.diff?.split('\n').length).toBe(43);
  });
});
