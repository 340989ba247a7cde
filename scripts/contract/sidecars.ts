/** The sidecars of a project, found by their declarations. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { contractDocument, type Contract, type ContractDocument } from '#kit/contract.ts';

export interface Sidecar {
  readonly name: string;
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly contract: Contract;
  readonly document: ContractDocument;
}

/** The command line names a sidecar that is not there, or a declaration cannot be used. */
export class NoSidecar extends Error {}

/**
 * Folder names below sidecars/ that hold a src/contract.ts, in alphabetical order.
 * @throws {NoSidecar} when `root` is no such project
 */
export function sidecarNames(root: string): string[] {
  const folder = join(root, 'sidecars');
  if (!existsSync(folder)) throw new NoSidecar(`${root} has no folder sidecars; run this in the project's folder`);
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'src', 'contract.ts')))
    .toSorted();
}

/**
 * Load declarations.
 * @param root the project's folder
 * @param names which; all when empty
 * @throws {NoSidecar} for an unknown name, and a module that exports no `contract` of that name
 */
export async function loadSidecars(root: string, names: readonly string[]): Promise<Sidecar[]> {
  const known = sidecarNames(root);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new NoSidecar(
      `${unknown} is no sidecar; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}`,
    );
  return Promise.all((names.length > 0 ? [...new Set(names)] : known).map((name) => loadSidecar(root, name)));
}

async function loadSidecar(root: string, name: string): Promise<Sidecar> {
  const folder = join(root, 'sidecars', name);
  const module = (await import(pathToFileURL(join(folder, 'src', 'contract.ts')).href)) as { contract?: Contract };
  if (module.contract?.name !== name)
    throw new NoSidecar(`sidecars/${name}/src/contract.ts exports no contract whose name is ${JSON.stringify(name)}`);
  return { name, folder, contract: module.contract, document: contractDocument(module.contract) };
}

/** The project's licence, which every image carries as a label. */
export function licenceOf(root: string): string {
  const { license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { license?: string };
  return license ?? 'UNLICENSED';
}
