import type { EngineEvent, Owned } from '../ports/engine.ts';
import { serviceOf } from './docker-state.ts';

interface RawEvent {
  readonly timeNano: number;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** The engine's filter for what carries our labels. */
export function ownedBy({ project, environment }: Owned): Record<string, string[]> {
  return { label: [`io.portiere.project=${project}`, `io.portiere.environment=${environment}`] };
}

/** What is worth knowing: each run of a healthcheck has three events of its own. */
const actions = [
  'create',
  'start',
  'restart',
  'pause',
  'unpause',
  'stop',
  'kill',
  'die',
  'oom',
  'destroy',
  'health_status',
];

/** The engine's filter for what happened to containers that carry our labels. */
export function lifeOf(owned: Owned): Record<string, string[]> {
  return { ...ownedBy(owned), type: ['container'], event: actions };
}

/** Events from the engine's lines of JSON, oldest first. */
export async function eventsOf(source: AsyncIterable<unknown>): Promise<readonly EngineEvent[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => eventOf(JSON.parse(line) as RawEvent));
}

function eventOf({ timeNano, Action, Actor }: RawEvent): EngineEvent {
  const code = Actor.Attributes['exitCode'];
  return {
    time: Math.floor(timeNano / 1e6),
    action: Action,
    containerId: Actor.ID,
    service: serviceOf(Actor.Attributes),
    exitCode: code === undefined ? null : Number(code),
  };
}
