/** What a line of standard error says to a reader: an event in words, nothing of what Compose says of its own work. */
export function noteOf(line: string): readonly string[] {
  if (/^ ?(?:Container|Network|Volume) /.test(line)) return [];
  if (!line.startsWith('{"event"')) return [line];
  const { event, step, text, done, total, unit } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  if (typeof text === 'string') return [text];
  if (event === 'start') return [`${String(step)} ...`];
  if (event !== 'progress') return [`${String(step)}: ${String(event)}`];
  return [`  ${String(done)}${typeof total === 'number' ? ` of ${total}` : ''} ${String(unit)}`];
}
