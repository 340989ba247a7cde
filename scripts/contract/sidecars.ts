/** What has a contract in a project, found by its declaration: sidecars, and the stacks' own servers. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { contractDocument, type Contract, type ContractDocument } from '#kit/contract/contract.ts';

export interface Sidecar {
  readonly name: string;
  /** Its folder in the project: `sidecars/tls`. */
  readonly path: string;
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly contract: Contract;
  readonly document: ContractDocument;
}

/** Where declarations are. */
const DECLARATIONS = ['sidecars/*/src/contract.ts', 'servers/*/src/contract.ts'];

/** The command line names a sidecar that is not there, or a declaration cannot be used. */
export class NoSidecar extends Error {}

/**
 * Folders that hold a src/contract.ts, in alphabetical order of their names.
 * @throws {NoSidecar} when `root` is no such project
 */
export function sidecarPaths(root: string): string[] {
  if (!existsSync(join(root, 'sidecars')))
    throw new NoSidecar(`${root} has no folder sidecars; run this in the project's folder`);
  return globSync(DECLARATIONS, { cwd: root })
    .map((file) => dirname(dirname(file)))
    .toSorted((a, b) => (basename(a) < basename(b) ? -1 : 1));
}

/**
 * Load declarations.
 * @param root the project's folder
 * @param names which; all when empty
 * @throws {NoSidecar} for an unknown name, and a module that exports no `contract` of that name
 */
export async function loadSidecars(root: string, names: readonly string[]): Promise<Sidecar[]> {
  const paths = sidecarPaths(root);
  const known = paths.map((path) => basename(path));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new NoSidecar(
      `${unknown} is no sidecar; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}`,
    );
  const wanted = names.length > 0 ? paths.filter((path) => names.includes(basename(path))) : paths;
  return Promise.all(wanted.map((path) => loadSidecar(root, path)));
}

async function loadSidecar(root: string, path: string): Promise<Sidecar> {
  const folder = join(root, path);
  const name = basename(path);
  const module = (await import(pathToFileURL(join(folder, 'src', 'contract.ts')).href)) as { contract?: Contract };
  if (module.contract?.name !== name)
    throw new NoSidecar(`${path}/src/contract.ts exports no contract whose name is ${JSON.stringify(name)}`);
  return { name, path, folder, contract: module.contract, document: contractDocument(module.contract) };
}

/** The project's licence, which every image carries as a label. */
export function licenceOf(root: string): string {
  const { license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { license?: string };
  return license ?? 'UNLICENSED';
}
