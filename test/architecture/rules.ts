import type { IForbiddenRuleType } from 'dependency-cruiser';
import { computing, doors, entries, rooms, searchFloors, type Room } from './house.ts';

/** A path that stays relative was found neither in the house nor beside it; an installed package may lie above it. */
const relative = String.raw`^\.\.?/(?!.*node_modules/)`;

/** The house as dependency-cruiser rules; a broken one is reported under its name. */
export function rules(): IForbiddenRuleType[] {
  return [
    ...Object.entries(rooms).flatMap(([name, room]) => floor(name, room)),
    ...searchFloors.flatMap((floors, level) => floors.map((name) => searchOrder(name, level))),
    ...Object.entries(doors).map(([name, places]) => door(name, places)),
    {
      name: 'a package without a door',
      from: { path: '^src/' },
      to: {
        pathNot: ['^src/', relative, ...Object.keys(doors).map(ofPackage)],
        dependencyTypesNot: ['core'],
      },
    },
    { name: 'an import that leads nowhere', from: { path: '^src/' }, to: { path: relative } },
    {
      name: 'the command line loads its commands lazily',
      from: { path: ofPlace(rooms['cli']!.path) },
      to: { path: ofPlace(rooms['commands']!.path), dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'an entry file is started, not imported',
      from: { path: '^src/' },
      to: { path: entries.map(ofPlace), dependencyTypesNot: ['type-only'] },
    },
    { name: 'cycle', from: { path: '^src/' }, to: { circular: true } },
  ];
}

function floor(name: string, room: Room): IForbiddenRuleType[] {
  const from = { path: ofPlace(room.path) };
  const types = (room.types ?? []).map(ofRoom);
  const open = [ofPlace(room.path), ...room.may.map(ofRoom), ...types];
  const rule: IForbiddenRuleType[] = [
    { name: `floor of ${name}`, from, to: { path: '^src/', pathNot: open } },
    {
      name: `floor of ${name}, by type only`,
      from,
      to: { path: types, dependencyTypesNot: ['type-only'] },
    },
    {
      name: `${name} is pure`,
      from,
      to: { dependencyTypes: ['core'], pathNot: `^(node:)?(${computing.join('|')})(/|$)` },
    },
  ];
  return rule.filter((_, at) => at === 0 || (at === 1 ? types.length > 0 : room.pure === true));
}

/** Type-only imports count here too: a lower one that knows the names of a higher one is not lower. */
function searchOrder(name: string, level: number): IForbiddenRuleType {
  const open = [name, ...searchFloors.slice(0, level).flat()];
  return {
    name: `order inside search, at ${name}`,
    from: { path: `^src/search/${name}/` },
    to: { path: '^src/search/', pathNot: `^src/search/(${open.join('|')})/` },
  };
}

function door(name: string, places: readonly string[]): IForbiddenRuleType {
  return {
    name: `door of ${name}`,
    from: { path: '^src/', pathNot: places.map(ofPlace) },
    to: { path: ofPackage(name) },
  };
}

function ofRoom(name: string): string {
  const room = rooms[name];
  if (!room) throw new Error(`No room is called ${name}.`);
  return ofPlace(room.path);
}

/** A folder's path ends in a slash and stands for all within; any other path is one file. */
function ofPlace(path: string): string {
  return `^${path.replaceAll('.', String.raw`\.`)}${path.endsWith('/') ? '' : '$'}`;
}

/** An installed package is reported by its file, one that is not installed by its bare name. */
function ofPackage(name: string): string {
  return `(^|/node_modules/|^node_modules/)${name.replace('*', '[^/]+')}(/|$)`;
}
