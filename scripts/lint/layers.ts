/**
 * Who may import whom: data and dependencies flow one way, from what is particular to what is general.
 * plugin.ts makes a rule of oxlint of it.
 */

import { EXPORTS } from './exports.ts';

/** A part of the tree; `own` is the same part again: the same sidecar, the same stack. */
interface Layer {
  readonly name: string;
  /** Of a path below the root; its first group, where there is one, tells parts of a kind apart. */
  readonly path: RegExp;
  /** Layers that it may import besides itself. */
  readonly imports: readonly string[];
}

const LIBRARIES = ['the kit', 'the proxy library', 'the mesh library'];

const LAYERS: readonly Layer[] = [
  { name: 'the kit', path: /^sidecars\/kit\//, imports: [] },
  { name: 'the proxy library', path: /^sidecars\/proxy\//, imports: ['the kit'] },
  { name: 'the mesh library', path: /^sidecars\/mesh\//, imports: ['the kit'] },
  { name: 'a sidecar', path: /^sidecars\/([^/]+)\//, imports: LIBRARIES },
  // What a pod gets for a sidecar: tools write it into files, the admission webhook into pods.
  { name: 'bundled sidecars', path: /^tools\/bundled\//, imports: ['the kit', 'a sidecar'] },
  { name: 'a server', path: /^servers\/([^/]+)\//, imports: [...LIBRARIES, 'a sidecar', 'bundled sidecars'] },
  { name: 'tools', path: /^tools\//, imports: [...LIBRARIES, 'a sidecar', 'a server', 'bundled sidecars'] },
  {
    name: 'scripts',
    path: /^scripts\//,
    imports: [...LIBRARIES, 'a sidecar', 'a server', 'bundled sidecars', 'tools', 'the workshop'],
  },
  {
    name: 'a stack',
    path: /^stacks\/([^/]+)\//,
    imports: [...LIBRARIES, 'a sidecar', 'a server', 'bundled sidecars', 'tools', 'scripts'],
  },
  // It has to say what a stack sees.
  { name: 'the simulator', path: /^workshop\/simulator\//, imports: ['scripts', 'a stack'] },
  {
    name: 'the workshop',
    path: /^workshop\/(?=commands\/|course\/|languages\/|lessons\/|page\/|server\/)/,
    imports: ['the kit', 'a sidecar', 'tools', 'scripts', 'the simulator'],
  },
  {
    name: 'an exercise',
    path: /^workshop\/([^/]+)\//,
    imports: ['the kit', 'a sidecar', 'tools', 'scripts', 'the workshop'],
  },
  { name: 'a legacy app', path: /^legacy-apps\/([^/]+)\//, imports: [] },
];

const TEST = /\.test\.ts$|\/test-[^/]+\.ts$|\/testing\//;
/** A file below `src` of a sidecar or a server; libraries have none. */
const INTERNAL = /^((?:sidecars|servers)\/[^/]+)\/src\/(.+)$/;
const HELPERS_OF_TESTS = /^sidecars\/kit\/testing\//;
/** Where everything is a check of something, so that helpers of tests belong there. */
const CHECKS = /^(?:scripts|stacks|workshop)\//;

/**
 * What is wrong with an import.
 * @param from the importing file, below the root
 * @param to the imported file, below the root
 * @returns a sentence; undefined when nothing is
 */
export function importProblem(from: string, to: string): string | undefined {
  const [importer, imported] = [layerOf(from), layerOf(to)];
  if (HELPERS_OF_TESTS.test(to) && !TEST.test(from) && !CHECKS.test(from))
    return `${from} is a program, and ${to} is for tests`;
  if (!importer || !imported || importer.part === imported.part) return undefined;
  const { name, imports } = importer.layer;
  if (imports.includes(imported.layer.name)) return isExported(from, to) ? undefined : internalProblem(to);
  const allowed = ['its own files', ...imports.map((each) => `files of ${each}`)].join(', ');
  return `${to} is out of reach: ${name} imports ${allowed}`;
}

/** Whether another part may import a file: contracts, what is listed, and for tests the helpers of tests. */
function isExported(from: string, to: string): boolean {
  const [, part = '', file = ''] = INTERNAL.exec(to) ?? [];
  return (
    part === '' ||
    file === 'contract.ts' ||
    EXPORTS[part]?.includes(file) === true ||
    (TEST.test(to) && (TEST.test(from) || CHECKS.test(from)))
  );
}

const internalProblem = (to: string): string =>
  `${to} is internal: others import a contract or what scripts/lint/exports.ts lists`;

function layerOf(path: string): { layer: Layer; part: string } | undefined {
  for (const layer of LAYERS) {
    const [part] = layer.path.exec(path) ?? [];
    if (part !== undefined) return { layer, part: part.slice(0, -1) };
  }
  return undefined;
}
