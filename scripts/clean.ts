import { findFolders, removeFolders } from './clean/files.ts';
import { findRemnants, isInherited, isNamed, type Kind, KINDS, removeAll, type Remnant } from './clean/remnants.ts';
import { EngineError } from './lib/engine.ts';
import { ROOT } from './lib/stacks.ts';
import { readFlags } from './lib/arguments.ts';
import { type Finding, formatFindings } from './lib/findings.ts';

const HELP = `usage: make clean  |  npm run clean -- [--dry-run]

Removes every container, network, volume and image of ours, running or not, and
the files that can be made again (.cache, artifacts, bundles). What is ours is
told by its label; nothing else is touched, and nothing is pruned. The engine
itself and node_modules stay.

  --dry-run   only say what would be removed

Exit code
  0 nothing of ours is left   1 something could not be removed   2 wrong usage
`;

const dryRun = readFlags(HELP, ['dry-run']).has('dry-run');
process.exitCode = await main(dryRun);

async function main(dryRun: boolean): Promise<number> {
  const findings = [...(await cleanEngine(dryRun)), ...(await cleanFiles(dryRun))];
  console.log(findings.length === 0 ? '  There was nothing to remove.' : formatFindings(findings).join('\n'));
  return findings.some(({ mark }) => mark === 'bad') ? 1 : 0;
}

async function cleanEngine(dryRun: boolean): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    // One kind after the other: a volume cannot go while a container has it.
    for (const kind of KINDS) findings.push(...(await cleanKind(kind, dryRun)));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    // Without the docker command there is no engine either, and nothing that it could hold.
    if (error.reason !== 'no-cli')
      findings.push({ mark: 'bad', name: 'engine', text: `${error.message}; what it holds stays` });
  }
  return findings;
}

async function cleanKind(kind: Kind, dryRun: boolean): Promise<Finding[]> {
  const found = await findRemnants(kind);
  const ours = found.filter((remnant) => !isInherited(remnant));
  const { removed, kept } = dryRun ? { removed: ours, kept: [] } : await removeAll(kind, ours);
  return [
    ...(removed.length > 0 ? [{ mark: 'ok' as const, name: plural(kind), text: list(removed, dryRun) }] : []),
    ...found
      .filter(isInherited)
      .map(({ name }) => ({ mark: 'note' as const, name: kind, text: `${name} stays: built on ours, but not ours` })),
    ...kept.map(({ remnant, why }) => ({ mark: 'bad' as const, name: kind, text: `${remnant.name} stays: ${why}` })),
  ];
}

async function cleanFiles(dryRun: boolean): Promise<Finding[]> {
  const folders = findFolders(ROOT);
  if (!dryRun) await removeFolders(ROOT, folders);
  const text = `${verb(dryRun)} ${folders.join(', ')}`;
  return folders.length > 0 ? [{ mark: 'ok', name: 'files', text }] : [];
}

function list(remnants: readonly Remnant[], dryRun: boolean): string {
  const names = remnants.filter(isNamed).map(({ name }) => name);
  const unnamed = remnants.length - names.length;
  const all = [...names, ...(unnamed > 0 ? [`${unnamed} without a name`] : [])];
  return `${verb(dryRun)} ${remnants.length}: ${all.join(', ')}`;
}

function verb(dryRun: boolean): string {
  return dryRun ? 'would remove' : 'removed';
}

function plural(kind: Kind): string {
  return `${kind}s`;
}
