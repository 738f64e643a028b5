import { createHash } from 'node:crypto';

import type { Stack } from '../stack/model.ts';

/** A text with two lines of comment on top: who wrote it from what, and where to change it. */
export function withHeader(stack: Stack, mark: '#' | '//', body: string): string {
  const config = createHash('sha256').update(body).digest('hex').slice(0, 12);
  return [
    `${mark} ${opening} ${stack.version} for ${stack.project}, environment ${stack.environment}; config ${config}.`,
    `${mark} Do not edit: change the configuration, then run \`portiere render --env ${stack.environment}\`.`,
    body,
  ].join('\n');
}

/** The text below the header: what the header says changes with every version, without anything to it. */
export function bodyOf(text: string): string {
  const lines = text.split('\n');
  return lines[0]?.includes(opening) === true ? lines.slice(2).join('\n') : text;
}

const opening = 'Written by portiere';
