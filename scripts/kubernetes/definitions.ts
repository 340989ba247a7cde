/** Definitions of resources that no API server has by itself, for dry runs: from the modules of their projects. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { go } from '../lib/go-program.ts';
import { FOLDER } from './binaries.ts';

const DOWNLOAD_MS = 10 * 60_000;
const DEFINITIONS = join(FOLDER, 'definitions');

/** Files of modules, each with the module that Go's checksum database vouches for. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  'sigs.k8s.io/gateway-api@v1.5.1': [
    'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml',
    'config/crd/standard/gateway.networking.k8s.io_tlsroutes.yaml',
  ],
  'github.com/prometheus-operator/prometheus-operator@v0.85.0': [
    'example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml',
    'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
  ],
};

const NAMES = Object.values(FILES).flatMap((files) => files.map((file) => basename(file)));

/** Whether all of them are there. */
export const hasDefinitions = (): boolean => NAMES.every((name) => existsSync(join(DEFINITIONS, name)));

/**
 * Bring those that are missing.
 * @param cwd a folder with a go.mod, or none
 * @throws {GoError}
 */
export async function fetchDefinitions(cwd: string, signal?: AbortSignal): Promise<void> {
  mkdirSync(DEFINITIONS, { recursive: true });
  for (const [module, files] of Object.entries(FILES)) {
    const downloaded = await go(['mod', 'download', '-json', module], { cwd, timeoutMs: DOWNLOAD_MS, signal });
    const { Dir } = JSON.parse(downloaded) as { Dir: string };
    for (const file of files) copyFileSync(join(Dir, file), join(DEFINITIONS, basename(file)));
  }
}

export interface Definition {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [key: string]: unknown;
}

/** CustomResourceDefinitions, as they are applied. */
export const definitions = (): Definition[] =>
  readdirSync(DEFINITIONS).map((name) => parse(readFileSync(join(DEFINITIONS, name), 'utf8')) as Definition);
