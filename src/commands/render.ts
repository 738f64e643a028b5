import path from 'node:path';

import { nearest } from '../config/nearest.ts';
import { revealed } from '../config/secret.ts';
import { settingNames, settingRow } from '../config/settings.ts';
import { PortiereError } from '../errors.ts';
import { type DesiredFile, type FileAction, planWrite, refuseEdited, type WritePlan } from '../plan/write.ts';
import type { GlobalOptions, Outcome, Ports } from '../ports.ts';
import type { RenderedFile, Sources, TargetName } from '../render/target.ts';
import { renderStack, stackTargets, targets } from '../render/targets.ts';
import type { Stack } from '../stack/model.ts';
import { type Project, underLease } from './context.ts';
import { loadManifest, type Manifest } from './rendered-manifest.ts';
import { openStack } from './stack.ts';

export interface RenderOptions extends GlobalOptions {
  readonly target?: string;
  /** A folder, or `-` for standard output. */
  readonly out?: string;
  readonly check?: boolean;
  readonly force?: boolean;
}

/** Writes a stack's files; with `--check` only tells (2) whether they differ, with `--out -` prints one. */
export async function render(ports: Ports, options: RenderOptions): Promise<Outcome> {
  const chosen = options.target === undefined ? stackTargets : [targetNamed(options.target)];
  const { project, stack } = await openStack(ports, options);
  const files = await filesOf(ports, stack, { chosen, project });
  if (options.out === '-') return printed(files, chosen);
  const folder =
    options.out === undefined
      ? path.join(project.root, '.portiere', 'render', stack.environment)
      : path.resolve(ports.caller.cwd, options.out);
  const force = options.force === true;
  const request = { files, chosen, folder, force };
  if (options.check === true || options.dryRun === true) {
    const { plan } = await planned(ports, request);
    const differs = plan.actions.some(({ action }) => action !== 'unchanged');
    return report(stack, folder, { plan, exitCode: options.check === true && differs ? 2 : 0 });
  }
  const write = async (): Promise<WritePlan> => await written(ports, request);
  const plan = options.out === undefined ? await underLease(ports, project, 'render', write) : await write();
  return report(stack, folder, { plan, exitCode: 0 });
}

/** Every file that bringing a stack up needs. */
export async function renderedFiles(ports: Ports, stack: Stack): Promise<readonly RenderedFile[]> {
  return renderStack(stack, { templates: await templatesFor(ports, stackTargets), settings: [] });
}

/** Writes them into a folder, the changed ones alone; FILE_EDITED where one was edited by hand, unless `force`. */
export async function writeRendered(
  ports: Ports,
  stack: Stack,
  { folder, force }: { readonly folder: string; readonly force: boolean },
): Promise<readonly FileAction[]> {
  const files = await filesOf(ports, stack, { chosen: stackTargets });
  const { actions } = await written(ports, { files, chosen: stackTargets, folder, force });
  return actions;
}

/** What writing them would change; writes nothing. */
export async function checkRendered(
  ports: Ports,
  stack: Stack,
  folder: string,
): Promise<readonly Pick<FileAction, 'path' | 'action'>[]> {
  const files = await filesOf(ports, stack, { chosen: stackTargets });
  const { plan } = await planned(ports, { files, chosen: stackTargets, folder, force: true });
  return plan.actions
    .filter(({ action }) => action !== 'unchanged')
    .map((each) => ({ path: each.path, action: each.action }));
}

function targetNamed(name: string): TargetName {
  if (Object.hasOwn(targets, name)) return name as TargetName;
  const known = Object.keys(targets);
  const meant = nearest(name, known);
  throw new PortiereError('USAGE', `There is no target ${name}.`, {
    hint: meant === undefined ? `Targets: ${known.join(', ')}.` : `Did you mean ${meant}?`,
  });
}

async function filesOf(
  ports: Ports,
  stack: Stack,
  { chosen, project }: { readonly chosen: readonly TargetName[]; readonly project?: Project },
): Promise<readonly DesiredFile[]> {
  const sources: Sources = {
    templates: await templatesFor(ports, chosen),
    settings: project === undefined ? [] : settingsOf(project),
  };
  return chosen.flatMap((target) =>
    targets[target].files(stack, sources).map((file) => ({ ...file, target })),
  );
}

async function templatesFor(ports: Ports, chosen: readonly TargetName[]): Promise<Sources['templates']> {
  const names = [...new Set(chosen.flatMap((target) => targets[target].templates))];
  const texts = await Promise.all(
    names.map(async (name) => [name, await ports.files.read(path.join(ports.self.templates, name))] as const),
  );
  return Object.fromEntries(texts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])));
}

/** Names with dots are no variables, and what only a process is told is not for a file. */
function settingsOf({ config }: Project): Sources['settings'] {
  return settingNames.flatMap((name) => {
    const value = config.provenance[name].at(-1)?.value;
    if (value === undefined || name.includes('.') || settingRow(name).processOnly === true) return [];
    return [{ name, value }];
  });
}

interface Request {
  readonly files: readonly DesiredFile[];
  readonly chosen: readonly TargetName[];
  readonly folder: string;
  readonly force: boolean;
}

async function planned(
  ports: Ports,
  { files, chosen, folder, force }: Request,
): Promise<{ readonly plan: WritePlan; readonly manifest: Manifest }> {
  const manifest = await loadManifest(ports, folder, force);
  const paths = new Set([...files.map((file) => file.path), ...Object.keys(manifest.written)]);
  const found = await Promise.all(
    [...paths].map(async (name) => {
      const file = path.join(folder, name);
      const [text, mode] = [await ports.files.read(file), await ports.files.mode(file)];
      return text === undefined || mode === undefined ? [] : [[name, { text, mode }] as const];
    }),
  );
  const { written: noted, fingerprint } = manifest;
  const facts = {
    desired: files,
    found: new Map(found.flat()),
    written: noted,
    targets: chosen,
    fingerprint,
  };
  return { plan: planWrite(facts), manifest };
}

async function written(ports: Ports, request: Request): Promise<WritePlan> {
  const { folder, force } = request;
  const { plan, manifest } = await planned(ports, request);
  if (!force) refuseEdited(plan, folder);
  const changes = plan.actions.filter(({ action }) => action !== 'unchanged');
  // What was left of a secret is nobody's, though no file of its folder may be written now.
  const folders = new Set(plan.actions.map((one) => path.dirname(path.join(folder, one.path))));
  for (const one of folders) await ports.files.tidy(one);
  if (changes.length === 0 && JSON.stringify(manifest.written) === JSON.stringify(plan.after)) return plan;
  if (request.files.some((file) => file.path.startsWith('secrets/'))) await requireOwnFolder(ports, folder);
  await manifest.save(plan.before);
  for (const { path: name, file } of changes) {
    const place = path.join(folder, name);
    if (file === undefined) await ports.files.remove(place);
    else await ports.files.write(place, revealed(file.content), file.mode);
  }
  await manifest.save(plan.after);
  return plan;
}

/** Secrets are readable in it, so nobody else may come into it. */
async function requireOwnFolder(ports: Ports, folder: string): Promise<void> {
  const place = path.join(folder, 'secrets');
  await ports.files.makeFolder(folder);
  await ports.files.makeFolder(place, 0o700);
  const mode = await ports.files.mode(place);
  if (mode === undefined || (mode & 0o077) === 0) return;
  throw new PortiereError('PERMISSION_DENIED', `${place} is open to others, and secrets go into it.`, {
    hint: `chmod 700 ${place}`,
  });
}

function printed(files: readonly DesiredFile[], chosen: readonly TargetName[]): Outcome {
  const [first] = files;
  if (chosen.length > 1) {
    throw new PortiereError('USAGE', 'Only one target can be printed.', {
      hint: `Name it: --target ${Object.keys(targets).join(', ')}`,
    });
  }
  if (first === undefined) {
    throw new PortiereError('USAGE', `This stack has nothing for the target ${chosen[0] ?? ''}.`, {
      hint: 'Render them all: portiere render',
    });
  }
  if (typeof first.content !== 'string') {
    throw new PortiereError('REFUSED', `${first.path} holds secrets and is not printed.`, {
      hint: 'Write it to a folder: --out DIR',
    });
  }
  return { data: { path: first.path, text: first.content }, view: [first.content.replace(/\n$/, '')] };
}

function report(
  { environment }: Stack,
  folder: string,
  { plan, exitCode }: { readonly plan: WritePlan; readonly exitCode: number },
): Outcome {
  const files = plan.actions.map(({ path: file, action }) => ({ path: file, action }));
  const diffs = plan.actions.flatMap(({ diff }) => (diff === undefined ? [] : [diff]));
  return {
    exitCode,
    data: { environment, folder, files },
    view: [
      `${environment}: ${folder}`,
      { header: ['file', 'action'], rows: files.map(({ path: file, action }) => [file, action]) },
      ...(exitCode === 0 ? [] : diffs),
    ],
  };
}
