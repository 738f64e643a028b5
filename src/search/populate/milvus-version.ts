import { PortiereError } from '../../errors.ts';

/** SEARCH_ENGINE_REFUSED where a Milvus cannot write a row in place of another, which 2.3 was the first to do. */
export function requireSupported(version: string, url: string): void {
  // One that somebody hosts may name itself otherwise.
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 3)) return;
  throw new PortiereError(
    'SEARCH_ENGINE_REFUSED',
    `Milvus at ${url} is ${version}; supported is 2.3 and later.`,
    {
      hint: 'Upgrade it, or name another with MILVUS_URL; or search vectors elsewhere with DENSE_ENGINE.',
    },
  );
}
