import { describe, expect, it } from 'vitest';
import { noteOf } from '../../../src/commands/stack/job-note.ts';

describe('a note of a job', () => {
  it('is a line as it is, or an event in words', () => {
    const note = (event: object) => noteOf(JSON.stringify(event));
    expect(noteOf('SIGTERM: stopping ...')).toEqual(['SIGTERM: stopping ...']);
    expect(note({ event: 'note', text: 'so it is' })).toEqual(['so it is']);
    expect(note({ event: 'start', step: 'Evaluate' })).toEqual(['Evaluate ...']);
    expect(note({ event: 'progress', step: 'Evaluate', done: 20, total: 50, unit: 'queries' })).toEqual([
      '  20 of 50 queries',
    ]);
    expect(note({ event: 'progress', step: 'Evaluate', done: 20, unit: 'queries' })).toEqual([
      '  20 queries',
    ]);
    expect(note({ event: 'done', step: 'Evaluate', ms: 5 })).toEqual(['Evaluate: done']);
  });

  it('leaves out what Compose says of its own work', () => {
    expect(noteOf(' Container demo-api-1  Running')).toEqual([]);
    expect(noteOf('Network demo_default Created')).toEqual([]);
  });
});
