/** `dashboards`: what Grafana and Prometheus need to watch sidecars, made of their contracts. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Contract } from '#kit/contract/contract.ts';
import { suggestion } from '#kit/text/suggestion.ts';
import { contract as configServer } from '../../servers/config-server/src/contract.ts';
import { contract as controlPlane } from '../../servers/control-plane/src/contract.ts';
import { contract as dashboard } from '../../servers/dashboard/src/contract.ts';
import { contract as webhook } from '../../servers/webhook/src/contract.ts';
import { contract as meshProxy } from '../../sidecars/mesh-proxy/src/contract.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { EXIT_OK, Usage, type Command } from '../command/command.ts';
import { updateFile } from '../files/write.ts';
import { dashboardOf, podDashboard } from './dashboard.ts';
import { podAlerts, rulesFile } from './rules.ts';

const HELP = `Write dashboards for Grafana and alerting rules for Prometheus: a panel for each
metric that a sidecar or server has, and a rule with a runbook for what a person
should look at. They are made of the contracts.

usage: sidecar-stacks dashboards -o DIR [NAME…]

  NAME         only these sidecars and servers (default: all)
  -o, --output DIR
               where the files go: DIR/grafana/NAME.json, DIR/grafana/pods.json,
               DIR/prometheus/NAME.rules.yaml,
               DIR/prometheus/pods.rules.yaml
  --help

Then: let Grafana's provisioning read DIR/grafana, and Prometheus' rule_files
DIR/prometheus/*.rules.yaml.

exit code: 0, 2 for a wrong command line
`;

const SERVERS: readonly unknown[] = [controlPlane, configServer, dashboard, webhook];

/** Of every sidecar and server that counts something, by name. */
export const CONTRACTS: ReadonlyMap<string, Contract> = new Map(
  [...Object.values(SIDECARS).map(({ contract }) => contract), meshProxy, ...SERVERS].map((contract) => [
    (contract as Contract).name,
    contract as Contract,
  ]),
);

/** The files, by their path below the output folder. */
export function files(contracts: readonly Contract[]): Readonly<Record<string, string>> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'grafana/pods.json': json(podDashboard(contracts)),
    'prometheus/pods.rules.yaml': rulesFile('pods', podAlerts(contracts.map(({ name }) => name))),
    ...Object.fromEntries(
      contracts.flatMap((contract) => [
        [`grafana/${contract.name}.json`, json(dashboardOf(contract))],
        [`prometheus/${contract.name}.rules.yaml`, rulesFile(contract.name, contract.alerts)],
      ]),
    ),
  };
}

export const dashboardsCommand: Command = {
  summary: 'dashboards for Grafana and rules for Prometheus',
  help: () => HELP,
  run(args, { folder, out }) {
    const { output, names } = commandLine(args);
    const contracts = names.map((name) => {
      const found = CONTRACTS.get(name);
      if (!found) throw new Usage(`there is no sidecar or server "${name}"${suggestion(name, [...CONTRACTS.keys()])}`);
      return found;
    });
    const written = files(contracts);
    const root = resolve(folder, output);
    for (const kind of ['grafana', 'prometheus']) mkdirSync(join(root, kind), { recursive: true });
    for (const [path, text] of Object.entries(written)) updateFile(join(root, path), text, root);
    out(`${Object.keys(written).length} files in ${join(output, 'grafana')} and ${join(output, 'prometheus')}\n`);
    return EXIT_OK;
  },
};

function commandLine(args: readonly string[]): { readonly output: string; readonly names: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { output: { type: 'string', short: 'o' } },
      allowPositionals: true,
    });
    if (values.output === undefined) throw new Usage('-o DIR says where the files go');
    return { output: values.output, names: positionals.length > 0 ? positionals : [...CONTRACTS.keys()] };
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}
