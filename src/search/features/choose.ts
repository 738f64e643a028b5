import { PortiereError } from '../../errors.ts';
import type { DataSet } from './hdf5.ts';

/** Names that a data set is taken by where several would do. */
const usual = {
  vectors: ['features', 'embeddings', 'vectors'],
  ids: ['ids', 'paths', 'concept_id', 'concept_ids', 'image_paths', 'names', 'filenames'],
} as const;

const idTypes = /^(?:text|u?int(?:8|16|32|64))$/;

/** The data set with a row for each vector: the named one, else the only one of its kind or one of a usual name. */
export function chooseVectors(file: string, all: readonly DataSet[], name: string | undefined): DataSet {
  const fits = ({ type, shape }: DataSet): boolean => /^float(?:32|64)$/.test(type) && shape.length === 2;
  const chosen = choose(all, { name, fits, usual: usual.vectors });
  if (chosen === undefined) throw lacking(file, all, name, 'vectors (two dimensions, float32 or float64)');
  if (!fits(chosen)) {
    throw invalid(
      `${chosen.name} in ${file} is ${kindOf(chosen)}; vectors are rows and columns of float32 or float64.`,
      all,
    );
  }
  if (chosen.shape.includes(0)) throw invalid(`${chosen.name} in ${file} is empty: ${kindOf(chosen)}.`, all);
  return chosen;
}

/** The data set with the id of each row, where the file has one. */
export function chooseIds(
  file: string,
  all: readonly DataSet[],
  { name, count }: { readonly name: string | undefined; readonly count: number },
): DataSet | undefined {
  const fits = ({ type, shape }: DataSet): boolean => idTypes.test(type) && shape.length === 1;
  const counted = (one: DataSet): boolean => fits(one) && one.shape[0] === count;
  const chosen = choose(all, { name, fits: counted, usual: usual.ids });
  if (chosen === undefined) {
    if (name === undefined) return undefined;
    throw lacking(file, all, name, 'ids');
  }
  if (!fits(chosen))
    throw invalid(
      `${chosen.name} in ${file} is ${kindOf(chosen)}; ids are one column of text or integers.`,
      all,
    );
  if (!counted(chosen))
    throw invalid(`${chosen.name} in ${file} holds ${chosen.shape[0]} ids for ${count} vectors.`, all);
  return chosen;
}

function choose(
  all: readonly DataSet[],
  {
    name,
    fits,
    usual,
  }: {
    readonly name: string | undefined;
    readonly fits: (one: DataSet) => boolean;
    readonly usual: readonly string[];
  },
): DataSet | undefined {
  if (name !== undefined) return all.find((one) => one.name === name.replace(/^\/+/, ''));
  const fitting = all.filter(fits);
  if (fitting.length === 1) return fitting[0];
  return usual.map((known) => fitting.find((one) => one.name === known)).find((one) => one !== undefined);
}

function lacking(
  file: string,
  all: readonly DataSet[],
  name: string | undefined,
  what: string,
): PortiereError {
  return invalid(
    name === undefined
      ? `${file} has no data set, or several, that could be the ${what}.`
      : `${file} has no data set ${name} for the ${what}.`,
    all,
  );
}

function invalid(message: string, all: readonly DataSet[]): PortiereError {
  const listed = all.slice(0, 20).map((one) => `${one.name} (${kindOf(one)})`);
  const more = all.length > listed.length ? ` and ${all.length - listed.length} more` : '';
  return new PortiereError('FEATURES_INVALID', message, {
    hint: listed.length === 0 ? 'There is no data set in it at all.' : `It has: ${listed.join(', ')}${more}.`,
  });
}

function kindOf({ type, shape }: DataSet): string {
  return shape.length === 0 ? `one ${type}` : `${type} ${shape.join(' x ')}`;
}
