import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PortiereError, type Problem } from '../../errors.ts';
import { readFolderSpec } from './folder-spec.ts';
import { baseName, findModel, knownModels, modelFiles, type ModelSpec, type Precision } from './models.ts';

export interface ModelPlaces {
  /** Model name as configured. */
  readonly model: string;
  readonly precision: Precision;
  /** Folder the operator keeps models in, or that is one; blank or absent: none. */
  readonly modelDir?: string | undefined;
  /** Folder `pullModel` fills. */
  readonly cacheDir: string;
}

/** What is embedded with, and how. */
export interface EmbedderRequest extends ModelPlaces {
  readonly device: 'cpu' | 'cuda';
  /** Tokens that the model is given at once at most. */
  readonly batchTokens: number;
}

/** A model that is complete on this disk. */
export interface LocatedModel {
  readonly folder: string;
  /** The name, pooling and limits that hold for it. */
  readonly spec: Omit<ModelSpec, 'repo' | 'revision'>;
}

/**
 * Finds a model on disk, never on the network: MODEL_DIR itself, within it, then the cache. MODEL_UNKNOWN for
 * a name that is neither in the table nor a folder of MODEL_DIR, MODEL_MISSING with the places looked at.
 */
export async function locateModel(places: ModelPlaces): Promise<LocatedModel> {
  const { model, precision, modelDir, cacheDir } = places;
  const known = findModel(model);
  const own = modelDir ? foldersWithin(modelDir, known?.name ?? model) : [];
  const looked = known ? [...own, pulledFolder({ cacheDir, spec: known, precision })] : own;
  for (const folder of looked) {
    // MODEL_DIR may be one model's folder under any name, unless it turns out to be another model's.
    if (folder === modelDir && !isNamed(folder, model) && !(known && (await couldBe(folder, known))))
      continue;
    if ((await lackingFiles(folder, precision)).length === 0) {
      return { folder, spec: known ?? (await readFolderSpec(folder, model)) };
    }
  }
  const problems = await halfThere(looked, precision);
  throw known ? missing(places, looked, problems) : unknown(model, own, problems);
}

/** The folder a pull of this model and precision fills. */
export function pulledFolder(pulled: {
  readonly cacheDir: string;
  readonly spec: ModelSpec;
  readonly precision: Precision;
}): string {
  return path.join(pulled.cacheDir, pulled.spec.name, pulled.precision);
}

function foldersWithin(modelDir: string, name: string): string[] {
  const folders = [modelDir, path.join(modelDir, baseName(name)), path.join(modelDir, name)];
  return folders.filter((folder, at) => folders.indexOf(folder) === at);
}

function isNamed(folder: string, model: string): boolean {
  return path.basename(folder) === baseName(model);
}

/** A model's width is the one thing its own files always say about which model it is. */
async function couldBe(folder: string, known: ModelSpec): Promise<boolean> {
  try {
    const config = JSON.parse(await readFile(path.join(folder, 'config.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    return config['hidden_size'] === known.dimension;
  } catch {
    return false;
  }
}

/** Files that a folder would have to hold and does not. */
async function lackingFiles(folder: string, precision: Precision): Promise<readonly string[]> {
  const files = await Promise.all(
    modelFiles(precision).map((file) =>
      access(path.join(folder, file)).then(
        () => [],
        () => [file],
      ),
    ),
  );
  return files.flat();
}

/** Folders that hold some of a model's files, and what they lack. */
async function halfThere(folders: readonly string[], precision: Precision): Promise<readonly Problem[]> {
  const lacking = await Promise.all(folders.map((folder) => lackingFiles(folder, precision)));
  const due = modelFiles(precision).length;
  return folders.flatMap((folder, at) => {
    const files = lacking[at] ?? [];
    return files.length === 0 || files.length === due
      ? []
      : [{ path: folder, reason: `it lacks ${files.join(', ')}` }];
  });
}

function missing(
  { model, precision }: ModelPlaces,
  looked: readonly string[],
  problems: readonly Problem[],
): PortiereError {
  const files = modelFiles(precision).join(', ');
  return new PortiereError(
    'MODEL_MISSING',
    `The model ${model} (${precision}: ${files}) is in none of ${looked.join(', ')}.`,
    {
      hint: 'Download it: portiere model pull. Without a network, copy its folder and name it by MODEL_DIR.',
      problems,
    },
  );
}

function unknown(model: string, looked: readonly string[], problems: readonly Problem[]): PortiereError {
  const places = looked.length > 0 ? `, and no complete model is in ${looked.join(', ')}` : '';
  return new PortiereError('MODEL_UNKNOWN', `There is no known embedding model ${model}${places}.`, {
    hint: `Known: hashing, ${knownModels.map((spec) => spec.name).join(', ')}; or a folder within MODEL_DIR.`,
    problems,
  });
}
