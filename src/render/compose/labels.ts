import type { Service, Stack } from '../../stack/model.ts';
import { fieldsOf, hashOf } from '../fingerprint.ts';
import type { RenderedFile } from '../target.ts';

type Labels = Readonly<Record<string, string>>;

/** What marks a thing as ours. */
export function ownLabels({ project, environment }: Stack): Labels {
  return { 'io.portiere.project': project, 'io.portiere.environment': environment };
}

/** What marks a container as ours, and says what it was made from. */
export function serviceLabels(stack: Stack, service: Service, files: readonly RenderedFile[]): Labels {
  const fields = fieldsOf(service, files);
  return {
    ...ownLabels(stack),
    'io.portiere.service': service.name,
    'io.portiere.kind': service.kind,
    'io.portiere.config': hashOf(fields),
    'io.portiere.fields': JSON.stringify(fields),
  };
}
