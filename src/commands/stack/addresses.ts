import type { ContainerState } from '../../ports/engine.ts';
import type { Stack } from '../../stack/model.ts';

export interface Address {
  readonly service: string;
  readonly url: string;
}

/** Where the services of a running stack can be reached from this machine or by name. */
export function addresses(stack: Stack, containers: readonly ContainerState[]): readonly Address[] {
  const ports = containers.filter(({ service }) => service === 'proxy').flatMap((one) => one.ports);
  return stack.sites.flatMap(({ service, domain, listen, tls }): Address[] => {
    const port = ports.find(({ target }) => target === listen);
    if (port === undefined) return [];
    const host = domain ?? (['0.0.0.0', '::', ''].includes(port.host) ? 'localhost' : port.host);
    const standard = tls ? 443 : 80;
    const suffix = port.published === standard ? '' : `:${port.published}`;
    const url = `${tls ? 'https' : 'http'}://${host}${suffix}`;
    return [{ service, url: service === 'api' ? `${url}/v1/search?q=heart+attack` : `${url}/` }];
  });
}
