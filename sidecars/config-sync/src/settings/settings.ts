/** What is wanted of each file, out of the parameters and CONFIG_SPEC. */
import { ConfigurationError, type Problem, type Values } from '#kit/contract/parameters.ts';
import type { contract } from '../contract.ts';
import { planOf, type FilePlan } from './plan.ts';
import { nameInSpec, readSpec, type ReportProblem, type Entry, type Settings } from './spec.ts';

type Parameters = Values<typeof contract.parameters>;

/** Parameters that only one kind of source has a use for. */
const OF_A_SOURCE = {
  http: ['CONFIG_TOKEN', 'CONFIG_REPORT_AS'],
  etcd: ['CONFIG_USER', 'CONFIG_PASSWORD'],
} as const;

/** What says how to verify, and nothing by itself. */
const OF_VERIFICATION = ['CONFIG_VERIFY_EXPECT', 'CONFIG_VERIFY_FOR'] as const;

/**
 * Work out what is to be done for each file.
 * @throws {ConfigurationError} with all that is wrong
 */
export async function readSettings(parameters: Parameters): Promise<FilePlan[]> {
  const problems: Problem[] = [];
  const wrong: ReportProblem = (parameter, message) =>
    void problems.push({ parameter, reason: 'malformed', message: `${parameter}: ${message}` });
  checkSource(parameters, wrong);
  const entries: (Entry & { from: string })[] = (parameters.CONFIG_FILES ?? []).map((item) => {
    const at = item.indexOf('=');
    const content = { key: item.slice(0, at) };
    return { from: 'CONFIG_FILES', path: item.slice(at + 1), content, settings: parameters, own: new Set() };
  });
  if (parameters.CONFIG_SPEC !== undefined) {
    for (const entry of await readSpec(parameters.CONFIG_SPEC, parameters, wrong))
      entries.push({ from: 'CONFIG_SPEC', ...entry });
  }
  checkVerification(parameters, entries, wrong);
  const plans: FilePlan[] = [];
  for (const { from, ...entry } of entries) {
    if (plans.some(({ path }) => path === entry.path))
      wrong(from, `${entry.path} is named twice; accepted is each file once`);
    plans.push(await planOf({ ...entry, maxSize: parameters.CONFIG_MAX_SIZE }, wrong));
  }
  if (plans.length === 0 && problems.length === 0)
    wrong('CONFIG_FILES', 'neither it nor CONFIG_SPEC names a file; accepted is a comma-separated list of KEY=/path');
  // Each is said once, however many files share the parameter.
  const distinct = [...new Map(problems.map((problem) => [problem.message, problem])).values()];
  if (distinct.length > 0) throw new ConfigurationError(distinct);
  return plans;
}

function checkSource(parameters: Parameters, wrong: ReportProblem): void {
  const other = parameters.CONFIG_SOURCE === 'http' ? 'etcd' : 'http';
  for (const name of OF_A_SOURCE[other])
    if (parameters[name] !== undefined)
      wrong(name, `CONFIG_SOURCE is ${parameters.CONFIG_SOURCE}; accepted with CONFIG_SOURCE=${other}`);
}

/** What says how to verify is of no use where nothing is verified. */
function checkVerification(parameters: Parameters, entries: readonly Entry[], wrong: ReportProblem): void {
  const verified = ({ settings }: { settings: Settings }): boolean => settings.CONFIG_VERIFY !== undefined;
  for (const name of OF_VERIFICATION) {
    if (parameters[name] !== undefined && entries.length > 0 && !entries.some(verified))
      wrong(name, `nothing is verified; accepted with CONFIG_VERIFY`);
    for (const entry of entries)
      if (entry.own.has(name) && !verified(entry))
        wrong('CONFIG_SPEC', `${entry.path}: ${nameInSpec(name)}: nothing is verified; accepted with verify`);
  }
}
