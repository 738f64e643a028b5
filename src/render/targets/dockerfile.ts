import { defaultImages } from '../../stack/defaults.ts';
import { dockerfileWord } from '../encode/dockerfile.ts';
import { fill } from '../fill.ts';
import { withHeader } from '../header.ts';
import { type Target, templateOf } from '../target.ts';

/** Where the build context of the api image lies beside the Compose file; `portiere.tgz` is laid into it. */
export const apiContext = 'build/api';

/** The build context of the api image, which the packed portiere is installed into. */
export const dockerfile: Target = {
  name: 'dockerfile',
  templates: ['dockerfile/Dockerfile', 'dockerfile/dockerignore', 'api/probe.mjs'],
  files(stack, sources) {
    const isBuilt = stack.services.some(({ image }) => image.build?.context.kind === 'rendered');
    if (!isBuilt) return [];
    const recipe = fill<'dockerfile'>(templateOf(sources, 'dockerfile/Dockerfile'), {
      nodeImage: dockerfileWord(defaultImages.node, 'the default Node image'),
      version: dockerfileWord(stack.version, 'the version'),
    });
    const ignored = templateOf(sources, 'dockerfile/dockerignore');
    const probe = templateOf(sources, 'api/probe.mjs');
    return [
      { path: `${apiContext}/Dockerfile`, content: withHeader(stack, '#', recipe), mode: 0o644 },
      { path: `${apiContext}/.dockerignore`, content: withHeader(stack, '#', ignored), mode: 0o644 },
      { path: `${apiContext}/probe.mjs`, content: withHeader(stack, '//', probe), mode: 0o644 },
    ];
  },
};
