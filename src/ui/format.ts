import { stripVTControlCharacters } from 'node:util';

import type { Progress } from '../ports.ts';

/** How one step is shown: drawn on a terminal, or as lines. */
export type StepRunner = <T>(title: string, work: (progress: Progress) => Promise<T>) => Promise<T>;

/** `1,234,567`. */
function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `0.4 s`, `12 s`, `3 min 5 s`. */
export function duration(milliseconds: number): string {
  const tenths = Math.round(milliseconds / 100);
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `12,000 of 137,850 concepts, 24,100/s, 5 s left`, as far as it is known. */
export function progressLine(state: ProgressState): string {
  const { done, total, unit, milliseconds } = state;
  const rate = milliseconds > 200 ? (done * 1000) / milliseconds : 0;
  const parts = [
    total === undefined ? `${count(done)} ${unit}` : `${count(done)} of ${count(total)} ${unit}`,
  ];
  if (rate > 0) parts.push(`${count(rate)}/s`);
  if (rate > 0 && total !== undefined && total > done)
    parts.push(`${duration(((total - done) / rate) * 1000)} left`);
  return parts.join(', ');
}

export interface ProgressState {
  readonly done: number;
  readonly total: number | undefined;
  readonly unit: string;
  readonly milliseconds: number;
}

/** Progress lines of one step; the rate counts from where what is counted changed. */
export function newPace(
  start: number,
): (done: number, total: number | undefined, unit: string, now: number) => string {
  let phase = { unit: '', since: start };
  return (done, total, unit, now) => {
    if (unit !== phase.unit) phase = { unit, since: phase.unit === '' ? start : now };
    return progressLine({ done, total, unit, milliseconds: now - phase.since });
  };
}

/** The text without the given values (and their base64, URL and JSON forms). */
export function scrub(text: string, hidden: readonly string[]): string {
  let clean = text;
  for (const value of hidden) if (clean.includes(value)) clean = clean.replaceAll(value, '[redacted]');
  return clean;
}

/** Every form in which a hidden value could show; none for one of under four characters, which any text may hold. */
export function formsOf(value: string): string[] {
  if (value.length < 4) return [];
  const bytes = Buffer.from(value);
  const url = encodeURIComponent(value.toWellFormed());
  const forms = [
    value,
    bytes.toString('base64'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    url,
    url.replaceAll('%20', '+'),
    JSON.stringify(value).slice(1, -1),
  ];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

/** Text without escape sequences and control characters, so that data can't drive a terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?');
}
