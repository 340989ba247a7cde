/**
 * The contract: everything by which a sidecar meets the world. It is declared once, in a sidecar's
 * src/contract.ts; contract.json, the Dockerfile, the image and the README are checked against it,
 * and breaking it is a major version.
 */
import { LOG_FORMATS, LOG_LEVELS } from '../telemetry/log.ts';
import { PROCESS_METRICS, type MetricDeclaration, type MetricDeclarations } from '../telemetry/metrics.ts';
import { unitOf, type Unit } from '../telemetry/units.ts';
import { alertsOf, alertsOfBad, buildInfo, commonAlerts, type Alerts } from './alerts.ts';
import { logsOf, type LogMembers, type Logs } from './logs.ts';
import { accepts } from './parameter-types.ts';
import type { Parameters } from './parameters.ts';

export interface PortDeclaration {
  /** The parameter that moves it: a port, or an address that ends in `:PORT`. */
  readonly parameter: string;
  readonly description: string;
}

/** What a container of a sidecar needs, wherever it is deployed: the catalogue, a compose project, Kubernetes. */
export interface Deployment {
  /** Memory limit, as compose writes it: `128m`. */
  readonly memory: string;
  /** Limit of processes and threads. */
  readonly pids: number;
  /** Volumes of its own, by purpose: what a restart must not lose. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Directories that are written and may be lost. */
  readonly tmpfs: readonly string[];
  /** It has to see the application's processes. */
  readonly sharesProcesses: boolean;
  /** The parameter that gets the application's port, where the sidecar speaks to one. */
  readonly appPort?: string;
  /** Parameters that let it start and be ready beside one application on port 8080; none where it needs more than that. */
  readonly example?: Readonly<Record<string, string>>;
}

export interface Contract<P extends Parameters = Parameters, M extends MetricDeclarations = MetricDeclarations> {
  /** Also the folder, the image and the bundle. */
  readonly name: string;
  /** Semantic version of this contract. */
  readonly version: string;
  /** One sentence: what the sidecar does for an application. */
  readonly description: string;
  /** Beginnings of parameter names that belong to this sidecar alone. */
  readonly prefixes: readonly string[];
  readonly parameters: P;
  readonly ports: Readonly<Record<string, PortDeclaration>>;
  /** What the admin port answers, by path. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly metrics: M;
  /** Rules for Prometheus over these metrics. */
  readonly alerts: Alerts;
  /** What its lines on stdout hold. */
  readonly logs: Logs;
  /** Files and directories that others mount or read, by path or by the parameter that names them. */
  readonly paths: Readonly<Record<string, string>>;
  readonly signals: Readonly<Record<string, string>>;
  readonly exitCodes: Readonly<Record<string, string>>;
  /** The user and group that the image runs as. */
  readonly user: string;
  readonly deploy: Deployment;
  /** The path of the admin port that the image's health check asks for. */
  readonly healthcheck: string;
}

/** sysexits.h's EX_USAGE: the configuration is wrong, and a restart will not help. */
export const EXIT_CONFIGURATION = 64;
/** sysexits.h's EX_SOFTWARE: the sidecar itself failed. */
export const EXIT_FAILURE = 70;

/** What every sidecar has. The admin port's default differs, since sidecars share one network. */
const commonParameters = (adminPort: string) =>
  ({
    ADMIN_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      description: 'Address of the admin port',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
    },
    ADMIN_PORT: { type: 'port', default: adminPort, description: 'Port of /healthz, /readyz and /metrics' },
    LOG_LEVEL: { type: 'enum', values: LOG_LEVELS, default: 'info', description: 'Least level that is logged' },
    LOG_FORMAT: {
      type: 'enum',
      values: LOG_FORMATS,
      default: 'json',
      description: 'Names in log lines: `json`, this project’s own; `ecs`, those of the Elastic Common Schema',
    },
    SHUTDOWN_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '8s',
      min: 0,
      max: 3_600_000,
      description: 'How long a shutdown may take before it is forced',
    },
  }) as const satisfies Parameters;

type CommonParameters = ReturnType<typeof commonParameters>;

type Own<P extends Parameters, M extends MetricDeclarations> = Pick<
  Contract<P, M>,
  'name' | 'version' | 'description' | 'prefixes' | 'parameters' | 'ports' | 'metrics'
> &
  Partial<Pick<Contract, 'alerts' | 'endpoints' | 'paths' | 'signals' | 'exitCodes' | 'user'>> & {
    /** Lines of requests and connections, where it writes them. */
    readonly accessLines?: { readonly message: string; readonly members: LogMembers };
    /** Default of ADMIN_PORT, as text. */
    readonly adminPort: string;
    /** What differs from a container of 128 MiB and 64 processes without volumes. */
    readonly deploy?: Partial<Deployment>;
  };

/**
 * Declare a sidecar's contract; what all sidecars share is added here.
 * @param own what only this sidecar has
 */
export function defineContract<const P extends Parameters, const M extends MetricDeclarations>(
  own: Own<P, M>,
): Contract<P & CommonParameters, M & typeof PROCESS_METRICS> {
  const { adminPort, accessLines, ...rest } = own;
  return {
    ...rest,
    parameters: { ...own.parameters, ...commonParameters(adminPort) },
    ports: { ...own.ports, admin: { parameter: 'ADMIN_PORT', description: 'health, readiness and metrics' } },
    endpoints: {
      '/': 'for people: what it does, whether it is well, its last problems, its parameters without secrets',
      '/healthz': 'alive: 200 while the process answers',
      '/startupz':
        'started: 200 once it does its own part, whether or not the application is up; for a container that starts before its application',
      '/readyz': 'able to do its job now: 200 or 503, with a JSON report',
      '/metrics':
        'Prometheus text format; where the scraper accepts it, OpenMetrics with exemplars, or protocol buffers with native histograms',
      ...own.endpoints,
    },
    metrics: {
      ...own.metrics,
      [buildInfo(own.name)]: {
        type: 'gauge',
        help: '1, with the version of the contract that runs',
        bad: 'several versions for longer than a rollout takes',
        labels: ['version'],
        aggregator: 'max',
      },
      ...PROCESS_METRICS,
    },
    alerts: { ...own.alerts, ...alertsOfBad(own.name, own.metrics, own.alerts ?? {}), ...commonAlerts(own.name) },
    logs: logsOf(accessLines),
    paths: own.paths ?? {},
    signals: {
      SIGTERM: 'stop accepting, drain, exit 0; a second one exits at once',
      SIGINT: 'as SIGTERM',
      ...own.signals,
    },
    exitCodes: {
      0: 'stopped as asked',
      1: 'the shutdown was forced',
      [EXIT_CONFIGURATION]: 'bad configuration',
      [EXIT_FAILURE]: 'internal error',
      ...own.exitCodes,
    },
    user: own.user ?? '65532:65532',
    deploy: { memory: '128m', pids: 64, volumes: {}, tmpfs: [], sharesProcesses: false, ...own.deploy },
    healthcheck: '/startupz',
  };
}

/** The number that a port has unless its parameter says otherwise; undefined for one that is off by default. */
export function defaultPort(contract: Contract, name: string): number | undefined {
  const text = contract.parameters[contract.ports[name]?.parameter ?? '']?.default;
  return text === undefined ? undefined : Number(text.slice(text.lastIndexOf(':') + 1));
}

/** A parameter as contract.json shows it. */
export interface ParameterDocument {
  readonly type: string;
  readonly unit?: string;
  readonly default?: string;
  readonly required?: true;
  readonly secret?: true;
  readonly accepts: string;
  /** A regular expression with its flags, as `/^a$/u`: what a text, or each item of a list, must match. */
  readonly pattern?: string;
  readonly multiline?: true;
  readonly deprecated?: readonly string[];
  readonly description: string;
}

/** contract.json: the contract as plain data. */
export interface ContractDocument extends Omit<Contract, 'parameters' | 'ports' | 'metrics'> {
  /** With the unit that a name says, and the alerts that watch it. */
  readonly metrics: Readonly<
    Record<string, MetricDeclaration & { readonly unit?: Unit; readonly alerts?: readonly string[] }>
  >;
  readonly parameters: Readonly<Record<string, ParameterDocument>>;
  readonly ports: Readonly<Record<string, PortDeclaration & { readonly default?: number }>>;
}

/**
 * The contract as plain data, for contract.json and `--contract`.
 * @param contract the declaration
 */
export function contractDocument(contract: Contract): ContractDocument {
  const parameters = Object.entries(contract.parameters).map(([name, parameter]): [string, ParameterDocument] => [
    name,
    {
      type: parameter.type,
      ...('unit' in parameter && parameter.unit !== undefined && { unit: parameter.unit }),
      ...(parameter.default !== undefined && { default: parameter.default }),
      ...(parameter.required && { required: true as const }),
      ...(parameter.secret && { secret: true as const }),
      accepts: accepts(parameter),
      ...('pattern' in parameter && parameter.pattern && { pattern: String(parameter.pattern) }),
      ...('multiline' in parameter && parameter.multiline && { multiline: true as const }),
      ...(parameter.deprecated && { deprecated: parameter.deprecated }),
      description: parameter.description,
    },
  ]);
  const ports = Object.entries(contract.ports).map(([name, port]) => {
    const number = defaultPort(contract, name);
    return [name, { ...port, ...(number !== undefined && { default: number }) }] as const;
  });
  const metrics = Object.entries(contract.metrics).map(([name, metric]) => {
    const unit = unitOf(name);
    const alerts = alertsOf(name, contract.alerts);
    return [name, { ...metric, ...(unit !== undefined && { unit }), ...(alerts.length > 0 && { alerts }) }] as const;
  });
  return {
    ...contract,
    parameters: Object.fromEntries(parameters),
    ports: Object.fromEntries(ports),
    metrics: Object.fromEntries(metrics),
  };
}
