import type { Engine, Owned } from '../../ports/engine.ts';
import { isOfTheStack } from '../../plan/one-off.ts';

/** Passes on what running jobs say, from their beginning, until it is stopped. */
export async function followJobs(
  engine: Engine,
  jobs: { readonly owned: Owned; readonly names: readonly string[]; readonly stop: AbortSignal },
  say: (line: string) => void,
): Promise<void> {
  if (jobs.names.length === 0) return;
  // What a job says is a help while waiting; that it cannot be heard is no reason to stop.
  try {
    const all = await engine.containers(jobs.owned, { all: true });
    const containers = all.filter((one) => jobs.names.includes(one.service) && isOfTheStack(one));
    await Promise.all(
      containers.map(async ({ id }) => {
        for await (const { text } of engine.logs(id, { follow: true, stop: jobs.stop })) say(text);
      }),
    );
  } catch {
    return;
  }
}
