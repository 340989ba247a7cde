/** `inject SIDECAR -f manifest.yaml`: the half of the command that is for Kubernetes. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseTrees, YamlError } from '../yaml/tree.ts';
import { isKubernetes } from '../kubernetes/pods.ts';
import type { CommandContext } from '../command/command.ts';
import { updateFile } from '../files/write.ts';
import { buildFolder } from '../bundled/build-folder.ts';
import { imageName } from '../bundled/container-spec.ts';
import { environmentFor } from '../bundled/environment.ts';
import { bundledSidecarOf } from './inject.ts';
import { injectIntoManifest, removeFromManifest } from './manifest.ts';
import { Refusal } from '../bundled/refusal.ts';
import type { Injection } from './request.ts';

export interface ManifestRequest {
  readonly file: string;
  readonly injection: Injection;
  readonly into: string | undefined;
  readonly plain: boolean;
  readonly registry: string;
  readonly inPlace: boolean;
  readonly undo: boolean;
}

/** How the image that a manifest names comes to where the cluster finds it. */
function howToPush(sidecar: string, image: string, registry: string): string {
  const folder = buildFolder(sidecar);
  const build =
    folder === undefined
      ? `npm run release -- --registry REGISTRY ${sidecar}`
      : `docker build --tag ${image} ${folder}`;
  return registry === ''
    ? `The image ${image} is never pulled: load it onto each node, or name a registry (--registry PREFIX).\n  ${build}\n`
    : `The image has to be there:\n  ${build}\n  docker push ${image}\n`;
}

const MAX_BYTES = 16 * 1024 * 1024;

/** Whether a file is a Kubernetes manifest, by its first document. */
export function isManifest(path: string): boolean {
  try {
    return parseTrees(readFileSync(path, 'utf8'), path).some(
      (tree) => !(tree instanceof YamlError) && isKubernetes(tree),
    );
  } catch {
    return false;
  }
}

/**
 * Inject into a manifest, or take back: the new text goes to standard output, everything else to
 * standard error.
 * @throws {Refusal}
 */
export function injectManifest(
  { file, injection, into, plain, registry, inPlace, undo }: ManifestRequest,
  context: CommandContext,
): void {
  const path = resolve(context.folder, file);
  if (statSync(path).size > MAX_BYTES) throw new Refusal('too-large', `${file} is larger than ${MAX_BYTES} bytes`);
  const source = readFileSync(path, 'utf8');
  const bundled = bundledSidecarOf(injection.sidecar);
  let text: string;
  if (undo) text = removeFromManifest(source, injection.sidecar);
  else {
    const prefix = registry === '' || registry.endsWith('/') ? registry : `${registry}/`;
    const result = injectIntoManifest(source, injection, bundled, {
      style: plain ? 'plain' : 'native',
      registry: prefix,
      into,
      environment: (ports, workload) => environmentFor(bundled, injection.set, ports, workload),
    });
    for (const message of result.messages) context.err(`${message}\n`);
    if (result.count > 0) context.err(howToPush(injection.sidecar, imageName(bundled.contract, prefix), prefix));
    text = result.text;
  }
  if (!inPlace) {
    context.out(text);
    return;
  }
  if (text.trim() === '' && source.trim() !== '')
    throw new Refusal('empty', `${file} would become empty: left as it is`);
  updateFile(path, text, dirname(path));
  context.err(`${file} is written\n`);
}
