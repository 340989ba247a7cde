/** The containers of compose files and manifests under a path, for comparison with their images. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import type { CommandContext } from '../command/command.ts';
import { serviceFacts } from '../compose/facts.ts';
import { isCompose, loadProject } from '../compose/project.ts';
import type { Facts } from '../identify/model/facts.ts';
import { findFiles } from '../identify/find-files.ts';
import { podFacts } from '../kubernetes/container-facts.ts';
import { isKubernetes, objectsOf, podsOf } from '../kubernetes/pods.ts';
import { parseTrees, YamlError, type Tree } from '../yaml/tree.ts';

export interface Found {
  readonly facts: Facts;
  /** Absolute build context, where compose builds it. */
  readonly context: string | undefined;
}

/** Files that cannot be read are left out: `identify` names them. */
export function containersUnder(path: string, { folder, environment }: CommandContext): Found[] {
  if (!existsSync(path)) return [];
  const files = statSync(path).isFile() ? (/\.ya?ml$/.test(path) ? [path] : []) : findFiles(path, []).files;
  return files.flatMap((file) => {
    const trees = parseTrees(readFileSync(file, 'utf8'), relative(folder, file) || basename(file)).filter(
      (tree): tree is Tree => !(tree instanceof YamlError),
    );
    const pods = trees.flatMap((tree) => (isKubernetes(tree) ? objectsOf(tree).flatMap(podsOf) : []));
    const ofPods = pods.flatMap((pod) => podFacts(pod, new Map())).map((facts) => ({ facts, context: undefined }));
    if (!trees.some(isCompose)) return ofPods;
    const project = loadProject([file], { base: folder, environment, raw: true });
    const services = [...project.services.values()].map((service) => {
      const facts = serviceFacts(service, project.folder, false);
      return { facts, context: facts.build === undefined ? undefined : resolve(dirname(file), facts.build) };
    });
    return [...ofPods, ...services];
  });
}
