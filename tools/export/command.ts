/** `export`: the command line of it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT_FOUND, EXIT_OK, printable, Usage, type Command, type CommandContext } from '../command/command.ts';
import { allFiles, INJECTED, isInjected } from '../inject/files.ts';
import { Refusal } from '../bundled/refusal.ts';
import { isInside } from '../files/write.ts';
import { COMPONENTS } from './components.ts';
import { exportProject, type Exported } from './export.ts';
import { isFloating } from './images.ts';
import type { ExportOptions } from './options.ts';
import { digestsOf } from './registry.ts';
import { writeExport } from './write.ts';

const HELP = `Write a compose project as Kubernetes manifests: a kustomize base, and an
overlay with what differs from cluster to cluster. Needs no engine and no cluster,
and a network only for --allow-floating.

usage: sidecar-stacks export [PATH|STACK] [OPTION…]

  PATH              a compose file, or a folder with one (default: .)
  STACK             the name of a folder in ./stacks
  -f, --file FILE   a compose file, as with docker compose; again for each one
                    that is laid over it
  --profile NAME    only services of this compose profile, and those without
                    one; may be given again
  --env-file FILE   variables for the compose files, instead of .env
  --to kubernetes   the only target there is, and the default
  -o, --output DIR  where to (default: kubernetes, beside the compose file).
                    DIR/base is written anew, DIR/overlays/cluster only where
                    it is not there yet
  --sidecars STYLE  native: init containers with restartPolicy Always, from
                    Kubernetes 1.29 on (default); plain: ordinary containers,
                    for older clusters and for podman kube play
  --kind pod        bare pods instead of Deployments, StatefulSets and Jobs
  --registry PREFIX before the names of images that the project builds
  --tag VERSION     of images that the project builds and does not name
                    (PROJECT-SERVICE), or names without a version
  --allow-floating  take images of others without a version: by the digest that
                    their registry names today, or as they are where none answers
  --host-paths HOW  what a path of this machine becomes that is no small file to
                    carry along: volume, a claim that begins empty; node, the
                    same path of each node
  --namespace NAME  the namespace that the overlay puts everything into
  --with LIST       optional parts, named by the overlay: ingress, gateway,
                    network-policy, autoscaling, disruption, monitoring,
                    pod-security (needs --namespace). DIR/components/NAME is
                    written where it is not there yet
  --dry-run         print what would be written, and write nothing
  --help

A pod group becomes one workload; its pause service disappears, and each of its
names becomes a Service. What a cluster cannot do is refused by name, with what
to do instead, and nothing is written. Warnings name what it does otherwise.

exit code: 0, 1 where something was refused, 2 for a wrong command line
`;

function commandLine(args: readonly string[]) {
  const list = { type: 'string', multiple: true } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        file: { ...list, short: 'f' },
        profile: list,
        'env-file': list,
        to: { type: 'string', default: 'kubernetes' },
        output: { type: 'string', short: 'o' },
        sidecars: { type: 'string', default: 'native' },
        kind: { type: 'string' },
        registry: { type: 'string' },
        tag: { type: 'string' },
        'allow-floating': { type: 'boolean', default: false },
        'host-paths': { type: 'string' },
        namespace: { type: 'string' },
        with: list,
        'dry-run': { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

export const exportCommand: Command = {
  summary: 'write a compose project as Kubernetes manifests',
  help: () => HELP,
  async run(args, context) {
    try {
      return await run(args, context);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      context.err(`Not written (${error.reason}): ${error.message}\n`);
      return EXIT_FOUND;
    }
  },
};

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = commandLine(args);
  const style = oneOf('--sidecars', values.sidecars, ['native', 'plain'] as const);
  oneOf('--to', values.to, ['kubernetes'] as const);
  if (values.kind !== undefined) oneOf('--kind', values.kind, ['pod'] as const);
  if (values.namespace !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(values.namespace))
    throw new Usage(`--namespace takes small letters, digits and dashes, not "${values.namespace}"`);
  if (values.registry !== undefined && !/^[\w.-]+(:\d+)?(\/[\w./-]+)?\/?$/.test(values.registry))
    throw new Usage(`--registry takes a prefix such as registry.example/team, not "${values.registry}"`);
  if (positionals.length > 1) throw new Usage(`one project at a time, not ${positionals.join(' and ')}`);
  if (values.tag !== undefined && (!/^\w[\w.-]{0,127}$/.test(values.tag) || values.tag === 'latest'))
    throw new Usage(`--tag takes a version such as 1.4.2, not "${values.tag}"`);
  const hostPaths =
    values['host-paths'] === undefined
      ? undefined
      : oneOf('--host-paths', values['host-paths'], ['volume', 'node'] as const);
  const components = (values.with ?? [])
    .flatMap((said) => said.split(','))
    .map((each) => oneOf('--with', each, COMPONENTS));
  if (components.includes('pod-security') && values.namespace === undefined)
    throw new Usage('--with pod-security needs --namespace NAME: the level is a label of the namespace');
  const { folder, files } = projectAt(positionals[0], values.file ?? [], context);
  const options: ExportOptions = {
    base: folder,
    environment: context.environment,
    style,
    bare: values.kind === 'pod',
    ...(values.profile && { profiles: values.profile }),
    ...(values['env-file'] && { envFiles: values['env-file'].map((file) => resolve(context.folder, file)) }),
    ...(values.registry !== undefined && { registry: values.registry }),
    ...(values.tag !== undefined && { tag: values.tag }),
    allowFloating: values['allow-floating'],
    ...(hostPaths && { hostPaths }),
    ...(values.namespace !== undefined && { namespace: values.namespace }),
    components: COMPONENTS.filter((each) => components.includes(each)),
  };
  const exported = await byDigest(files, options, context);
  if (!files.some(isInjected) && existsSync(join(folder, INJECTED)))
    context.err(
      `note: the sidecars of ${INJECTED} are left out, as docker compose does unless the file is named: ${[...files, INJECTED].map((file) => `-f ${file}`).join(' ')}\n`,
    );
  const refused = say(exported, context);
  if (refused) return EXIT_FOUND;
  if (values['dry-run']) {
    context.out(exported.files.map(({ path, text }) => `# --- ${path}\n${text}`).join(''));
    return EXIT_OK;
  }
  const to = values.output === undefined ? join(folder, 'kubernetes') : resolve(context.folder, values.output);
  const unnamed = unnamedComponents(exported, to);
  const kept = writeExport(exported.files, to, isInside(to, context.folder) ? context.folder : folder);
  const shown = relative(context.folder, to) || '.';
  const local = values.registry === undefined ? exported.images.filter(({ pulled }) => !pulled) : [];
  if (local.length > 0)
    context.err(
      `note: never pulled, because they are built here: ${local.map(({ reference }) => reference).join(', ')}. Load them onto each node, or push them and export with --registry PREFIX\n`,
    );
  if (unnamed.length > 0)
    context.err(
      `note: the overlay is yours and does not name these components yet. Add to ${join(shown, OVERLAY)}:\ncomponents:\n${unnamed.map((path) => `  - ../../${path}\n`).join('')}`,
    );
  context.out(
    `${shown}: ${exported.files.length - kept} files${kept > 0 ? `; ${kept} of the overlay and components left as they are` : ''}\n` +
      `kubectl apply -k ${join(shown, 'overlays/cluster')}\n`,
  );
  return EXIT_OK;
}

const OVERLAY = 'overlays/cluster/kustomization.yaml';

/** Components of an export that the overlay which is there already does not name. */
function unnamedComponents({ files }: Exported, to: string): string[] {
  const overlay = join(to, OVERLAY);
  if (!existsSync(overlay)) return [];
  const text = readFileSync(overlay, 'utf8');
  const folders = files.flatMap(({ path }) => /^(components\/[\w-]+)\/kustomization\.yaml$/.exec(path)?.[1] ?? []);
  return folders.filter((folder) => !text.includes(`../../${folder}\n`) && !text.includes(`../../${folder} `));
}

/** Images without a version by their digests, where that is wished and registries can be asked. */
async function byDigest(
  files: readonly string[],
  options: ExportOptions,
  { fetch }: CommandContext,
): Promise<Exported> {
  const exported = exportProject(files, options);
  const floating = exported.images.filter(isFloating).map(({ reference }) => reference);
  const refused = exported.findings.some(({ level }) => level === 'refused');
  if (!options.allowFloating || refused || floating.length === 0 || fetch === undefined) return exported;
  return exportProject(files, { ...options, digests: await digestsOf(floating, fetch) });
}

function oneOf<const T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw new Usage(`${option} takes ${known.join(' or ')}, not "${value}"`);
  return found;
}

/** The compose files that are meant, relative to the project's folder. */
function projectAt(
  said: string | undefined,
  named: readonly string[],
  context: CommandContext,
): { folder: string; files: string[] } {
  if (said !== undefined && named.length > 0) throw new Usage('name a path, or files by --file');
  const path = resolve(context.folder, said ?? '.');
  const stack =
    said !== undefined && !existsSync(path) && /^[\w-]+$/.test(said) ? resolve(context.folder, 'stacks', said) : path;
  const stat = statSync(stack, { throwIfNoEntry: false });
  if (!stat) throw new Usage(`there is nothing at ${said}`);
  if (stat.isFile()) return { folder: dirname(stack), files: [basename(stack)] };
  const files = named.map((file) => resolve(context.folder, file));
  const folder = files[0] === undefined ? stack : dirname(files[0]);
  try {
    return {
      folder,
      files: allFiles(
        folder,
        files.map((file) => relative(folder, file)),
        context.environment,
      ),
    };
  } catch (error) {
    if (error instanceof Refusal) throw new Usage(error.message);
    throw error;
  }
}

/** @returns whether something was refused */
function say({ findings }: Exported, { err }: CommandContext): boolean {
  for (const { at, level, message } of findings)
    err(printable(`${at.file}:${at.line}: ${level === 'refused' ? 'refused' : 'note'}: ${message}`) + '\n');
  const refused = findings.filter(({ level }) => level === 'refused');
  if (refused.length === 0) return false;
  const flags = [...new Set(refused.flatMap(({ flag }) => flag ?? []))];
  const left = refused.filter(({ flag }) => flag === undefined).length;
  err(`\n${refused.length} refused, nothing written.\n`);
  // node does what volume does, and files too.
  const both = flags.includes('--host-paths node') ? flags.filter((flag) => flag !== '--host-paths volume') : flags;
  if (both.length > 0) err(`${left === 0 ? 'Written' : `All but ${left} solved`} with: ${both.join(' ')}\n`);
  return true;
}
