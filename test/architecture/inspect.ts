import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cruise, type ICruiseResult, type IViolation } from 'dependency-cruiser';
import ts from 'typescript';
import { entries, longestFile, rooms, searchFloors, type Room } from './house.ts';
import { rules } from './rules.ts';

/** What was found in the `src` of a project: its files, those dependency-cruiser read, and a line for every broken rule. */
export interface Inspection {
  readonly files: readonly string[];
  readonly read: readonly string[];
  readonly complaints: readonly string[];
}

/** Inspects `<project>/src` against the house; paths in the result are relative to the project and sorted. */
export async function inspect(project: string): Promise<Inspection> {
  const files = await sourceFiles(project);
  const result = await readImports(project);
  const texts = await Promise.all(
    files.map(async (file) => [file, await readFile(join(project, file), 'utf8')] as const),
  );
  const complaints = [
    ...result.summary.violations.map(ofViolation),
    ...files.filter((file) => !hasRoom(file)).map((file) => `a file without a room: ${file}`),
    ...texts.flatMap(([file, text]) => [...tooLong(file, text), ...actingGlobals(file, text)]),
  ];
  return {
    files,
    read: result.modules
      .map((module) => module.source)
      .filter((source) => source.startsWith('src/'))
      .sort(),
    complaints: [...new Set(complaints)].sort(),
  };
}

async function sourceFiles(project: string): Promise<string[]> {
  const found = await readdir(join(project, 'src'), { recursive: true });
  return found
    .filter((name) => /\.[cm]?[jt]sx?$/.test(name))
    .map((name) => `src/${name}`)
    .sort();
}

async function readImports(project: string): Promise<ICruiseResult> {
  const { output } = await cruise(['src'], {
    baseDir: project,
    validate: true,
    ruleSet: { forbidden: rules() },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    doNotFollow: { path: 'node_modules' },
  });
  if (typeof output === 'string') throw new TypeError('dependency-cruiser gave text, not a result.');
  return output;
}

/** A cycle is found once from each of its files; it reads the same from all, starting at the first by name. */
function ofViolation({ rule, from, to, cycle }: IViolation): string {
  if (!cycle) return `${rule.name}: ${from} -> ${packageOf(to)}`;
  const ring = cycle.map(({ name }) => name);
  const first = ring.indexOf([...ring].sort()[0] ?? from);
  const turned = [...ring.slice(first), ...ring.slice(0, first)];
  return `${rule.name}: ${[...turned, turned[0]].join(' -> ')}`;
}

/** An installed package is known by its file, which names the same package to the reader as its bare name. */
function packageOf(path: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? path;
}

function hasRoom(file: string): boolean {
  if (file.startsWith('src/search/')) {
    return searchFloors.flat().some((name) => file.startsWith(`src/search/${name}/`));
  }
  return roomOf(file) !== undefined;
}

function roomOf(file: string): Room | undefined {
  return Object.values(rooms).find(({ path }) =>
    path.endsWith('/') ? file.startsWith(path) : file === path,
  );
}

function tooLong(file: string, text: string): string[] {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return lines > longestFile ? [`a file above ${longestFile} lines: ${file} has ${lines}`] : [];
}

/** Globals that act where they may not: `process` outside its rooms, and the network in a pure one. */
function actingGlobals(file: string, text: string): string[] {
  const room = roomOf(file);
  const refused = [
    ...(room?.process || entries.includes(file) ? [] : ['process']),
    ...(room?.pure ? ['fetch', 'WebSocket'] : []),
  ].filter((name) => text.includes(name));
  if (refused.length === 0) return [];
  const used = globalsUsed(file, text);
  return refused.filter((name) => used.has(name)).map((name) => `the global ${name}: ${file}`);
}

/** Names a file uses and does not declare itself, `globalThis.name` included. */
function globalsUsed(file: string, text: string): Set<string> {
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) (declares(node) ? declared : used).add(isProperty(node) ? '' : node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return new Set([...used].filter((name) => !declared.has(name)));
}

function declares({ parent, text }: ts.Identifier): boolean {
  return (
    (ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isBindingElement(parent) ||
      ts.isFunctionDeclaration(parent)) &&
    parent.name?.getText() === text
  );
}

function isProperty(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.name === node && parent.expression.getText() !== 'globalThis';
  }
  return (
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent)) &&
    parent.name === node
  );
}
