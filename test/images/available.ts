import { checkEngine, presentTags } from './engine.ts';
import type { Machine } from './machine.ts';
import { readReferences } from './references.ts';

export interface Available {
  /** Service -> reference, of the images that are in the engine. */
  readonly images: Readonly<Record<string, string>>;
  /** Why there is none at all. */
  readonly reason: string | null;
}

/** The images that `npm run images` has built, for tests that start them or say why they were skipped. */
export async function availableImages(machine: Machine): Promise<Available> {
  try {
    await checkEngine(machine);
  } catch {
    return { images: {}, reason: 'no Docker engine answers' };
  }
  const references = await readReferences(machine.root);
  if (references === null) return { images: {}, reason: 'no .images.yaml: npm run images' };
  const present = await presentTags(machine);
  const found = Object.entries(references).filter(([, reference]) => present.has(reference));
  return { images: Object.fromEntries(found), reason: null };
}
