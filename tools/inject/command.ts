/** `inject`: the command line of it. */
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { helpText } from '#kit/contract/help.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { EXIT_OK, Usage, type Command, type CommandContext } from '../command/command.ts';
import {
  apply,
  bundledSidecarOf,
  commandOf,
  labelled,
  planInjection,
  planRemoval,
  readersOfEnv,
  type Plan,
  type Target,
} from './inject.ts';
import { checkCompose } from './compose-version.ts';
import { showDiff } from './diff.ts';
import { injectManifest, isManifest, type ManifestRequest } from './manifest-command.ts';
import { BUILDS } from './images.ts';
import { unusedPorts } from './publish.ts';
import { refused } from '../command/refused.ts';
import { Refusal } from '../bundled/refusal.ts';
import { USER, type Injection } from './request.ts';

const HELP = `Put a sidecar beside a service of a compose project. The project's files stay as
they are: what changes is written to compose.sidecars.yaml beside the first one,
and the sidecar's build to .sidecar-stacks/.

usage: sidecar-stacks inject SIDECAR --into SERVICE [OPTION…]
       sidecar-stacks inject --all [OPTION…]
       sidecar-stacks inject --undo [SIDECAR --into SERVICE]
       sidecar-stacks inject SIDECAR -f MANIFEST [--into WORKLOAD] [OPTION…]

  SIDECAR           ${Object.keys(SIDECARS).join(', ')}
  --into SERVICE    the service that becomes a pod
  --all             what services ask for by the label
                    dev.sidecar-stacks.inject: tls ("false" refuses)
  --set KEY=VALUE   a parameter of the sidecar; again for each
  --publish PORT    publish a port of the sidecar, as compose writes it
                    (127.0.0.1:8443:8443); again for each
  --share PATH      a path of the application that the sidecar sees too: logs,
                    configuration, content; again for each
  --user UID:GID    who runs the sidecar: the owner of a file that it replaces
  -f, --file FILE   the project's compose files (default: as docker compose)
  --write-env       put COMPOSE_FILE into .env, so that a plain docker compose up
                    takes the sidecars
  --diff            show what would be written, and write nothing
  --undo            take all of it back, or one injection

Kubernetes: where -f names a manifest, the sidecar goes into its pods as an init
container with restartPolicy: Always, and the new manifest to standard output.

  --plain           an ordinary container, for clusters before 1.29
  --registry PREFIX put before the image's name
  --in-place        write the file instead
  --help            sidecar-stacks inject SIDECAR --help lists its parameters

exit code: 0, 1 for what cannot be injected, with the reason, 2 for a wrong
command line
`;

function commandLine(args: readonly string[]) {
  const list = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        into: { type: 'string' },
        all: flag,
        set: list,
        publish: list,
        share: list,
        user: { type: 'string' },
        file: { ...list, short: 'f' },
        'write-env': flag,
        diff: flag,
        undo: flag,
        plain: flag,
        registry: { type: 'string', default: '' },
        'in-place': flag,
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

export const injectCommand: Command = {
  summary: 'put a sidecar beside a service of a compose project',
  help: (args) => {
    const sidecar = args.find((name) => Object.hasOwn(SIDECARS, name));
    return sidecar === undefined ? HELP : helpText(SIDECARS[sidecar]!.contract);
  },
  run(args, context) {
    const { values, positionals } = commandLine(args);
    if (positionals.length > 1) throw new Usage(`one sidecar at a time, not ${positionals.join(' ')}`);
    const target: Target = { folder: context.folder, files: values.file ?? [], environment: context.environment };
    try {
      const manifest = manifestOf(target, positionals[0], values);
      if (manifest) {
        injectManifest(manifest, context);
        return EXIT_OK;
      }
      const plan = planOf(target, positionals[0], values);
      if (values.diff) return showDiff(plan, context);
      checkCompose(context);
      apply(plan, { writeEnv: values['write-env'] });
      report(plan, context, values['write-env']);
      for (const line of unusedPorts(plan)) context.err(`Note: ${line}\n`);
      if (values['write-env'])
        for (const name of readersOfEnv(target))
          context.err(
            `Note: ${name} reads .env by env_file, so its application gets COMPOSE_FILE too: name another file there.\n`,
          );
      return EXIT_OK;
    } catch (error) {
      return refused('Not injected', error, context);
    }
  },
};

type Values = ReturnType<typeof commandLine>['values'];

/** What is asked for where the only file named is a Kubernetes manifest. */
function manifestOf(
  { folder, files }: Target,
  sidecar: string | undefined,
  values: Values,
): ManifestRequest | undefined {
  const [file] = files;
  if (file === undefined || files.length > 1 || !isManifest(resolve(folder, file))) return undefined;
  if (sidecar === undefined) throw new Usage(`which sidecar? There are ${Object.keys(SIDECARS).join(', ')}`);
  bundledSidecarOf(sidecar);
  const injection = { sidecar, into: values.into ?? '', set: pairs(values.set ?? []), publish: [], share: [] };
  return {
    file,
    injection,
    into: values.into,
    plain: values.plain,
    registry: values.registry,
    inPlace: values['in-place'],
    undo: values.undo,
  };
}

function planOf(target: Target, sidecar: string | undefined, values: Values): Plan {
  if (values.undo) {
    if (sidecar === undefined && values.into === undefined) return planRemoval(target);
    return planRemoval(
      target,
      (each) =>
        (sidecar === undefined || each.sidecar === sidecar) && (values.into === undefined || each.into === values.into),
    );
  }
  if (values.user !== undefined && !USER.test(values.user))
    throw new Usage(`--user takes UID or UID:GID, not ${values.user}`);
  const common = {
    set: pairs(values.set ?? []),
    publish: values.publish ?? [],
    share: values.share ?? [],
    ...(values.user !== undefined && { user: values.user }),
  };
  if (values.all) {
    if (sidecar !== undefined || values.into !== undefined)
      throw new Usage('--all goes by labels, without SIDECAR and --into');
    const wanted = labelled(target, common);
    if (wanted.length === 0)
      throw new Refusal('nothing-labelled', 'no service has the label dev.sidecar-stacks.inject');
    wanted.forEach((each) => bundledSidecarOf(each.sidecar));
    return planInjection(target, wanted);
  }
  if (sidecar === undefined) throw new Usage(`which sidecar? There are ${Object.keys(SIDECARS).join(', ')}`);
  bundledSidecarOf(sidecar);
  if (values.into === undefined) throw new Usage('--into SERVICE is missing');
  const wanted: Injection = { sidecar, into: values.into, ...common };
  return planInjection(target, [wanted]);
}

function pairs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((each) => {
      const cut = each.indexOf('=');
      if (cut < 1) throw new Usage(`--set takes KEY=VALUE, not "${each}"`);
      return [each.slice(0, cut), each.slice(cut + 1)];
    }),
  );
}

function report(plan: Plan, { folder, out }: CommandContext, env: boolean): void {
  const name = relative(folder, plan.path);
  if (plan.after === undefined) {
    out(
      plan.before === undefined
        ? 'Nothing was injected here.\n'
        : `Taken back: ${name} and what came with it are gone.\n`,
    );
    return;
  }
  if (plan.before === plan.after) out(`${name} says so already: nothing changed.\n`);
  else out(`${name} is written. With it:\n\n`);
  for (const { sidecar, into, publish } of plan.injections) {
    out(`  ${sidecar} beside ${into}${publish.length > 0 ? `, published as ${publish.join(', ')}` : ''}\n`);
    if (publish.length === 0 && sidecar === 'tls')
      out('    reachable by other services; from outside with --publish 127.0.0.1:8443:8443\n');
  }
  out(`\nCommit ${name} and ${join(dirname(name), BUILDS)}/: a colleague's clone needs both.\n`);
  out(`\nBring it up:\n\n  ${env ? 'docker compose up --build --wait' : commandOf(plan, folder)}\n`);
}
