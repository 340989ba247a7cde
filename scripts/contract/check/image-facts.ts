/** A contract beside what a Dockerfile or an image says: ENV, EXPOSE, LABEL, USER, HEALTHCHECK. */
import { defaultPort, type Contract } from '#kit/contract/contract.ts';
import { IMAGE_LABEL } from '../../lib/labels.ts';
import type { Disagreement } from './disagreement.ts';

/** An image's configuration, as its Dockerfile or the engine tells it. */
export interface ImageFacts {
  readonly env: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  /** `8443/tcp`. */
  readonly ports: ReadonlySet<string>;
  readonly user: string;
  /** What the health check runs; empty when there is none. */
  readonly healthcheck: readonly string[];
  /** File (and line, where known) of an ENV or LABEL name, or of the whole. */
  readonly where: (key?: string) => string;
}

/** Who gives the images out, as their labels say. */
const VENDOR = 'sidecar-stacks';

/** Labels that every sidecar's image has; a release adds those that name the repository and its commit. */
export function labelsOf(contract: Contract, licence: string): Record<string, string> {
  return {
    'org.opencontainers.image.title': contract.name,
    'org.opencontainers.image.description': contract.description,
    'org.opencontainers.image.version': contract.version,
    'org.opencontainers.image.licenses': licence,
    'org.opencontainers.image.vendor': VENDOR,
    [IMAGE_LABEL]: contract.name,
  };
}

/** Defaults that the image must hold as ENV: of every parameter that has one and is no secret. */
export function environmentOf(contract: Contract): Map<string, string> {
  const withDefault = Object.entries(contract.parameters).filter(([, { secret }]) => !secret);
  return new Map(
    withDefault.flatMap(([name, parameter]) =>
      parameter.default === undefined ? [] : [[name, parameter.default] as const],
    ),
  );
}

/**
 * Everything in which a Dockerfile or an image differs from the declaration.
 * @param repair what to do about one difference, given the Dockerfile line that would be right
 */
export function compareFacts(
  contract: Contract,
  licence: string,
  facts: ImageFacts,
  repair: (line: string) => string,
): Disagreement[] {
  return [
    ...compareEnv(contract, facts, repair),
    ...comparePorts(contract, facts, repair),
    ...compareLabels(contract, licence, facts, repair),
    ...compareUser(contract, facts, repair),
    ...compareHealthcheck(contract, facts, repair),
  ];
}

function compareEnv(contract: Contract, facts: ImageFacts, repair: (line: string) => string): Disagreement[] {
  const declared = environmentOf(contract);
  const found: Disagreement[] = [];
  for (const [name, value] of declared) {
    const there = facts.env.get(name);
    if (there !== value)
      found.push({
        where: facts.where(name),
        declared: `${name} has the default ${show(value)}`,
        there: there === undefined ? 'no ENV for it' : `ENV ${name}=${there}`,
        repair: repair(`ENV ${name}=${quotedWord(value)}`),
      });
  }
  for (const [name, there] of facts.env) {
    const why = declared.has(name) ? undefined : surplus(contract, name);
    // The value is not shown: it may be the secret itself.
    if (why !== undefined)
      found.push({
        where: facts.where(name),
        declared: why,
        there: why.includes('secret') ? `ENV ${name}` : `ENV ${name}=${there}`,
        repair: repair(`no ENV ${name}`),
      });
  }
  return found;
}

/** Why an ENV must not be there; undefined when it is none of ours. */
function surplus(contract: Contract, name: string): string | undefined {
  const plain = name.replace(/_FILE$/, '');
  const parameter = contract.parameters[name] ?? contract.parameters[plain];
  if (parameter?.secret) return `${plain} is a secret and must not be in an image`;
  if (contract.parameters[name]) return `${name} has no default`;
  for (const [current, { deprecated, secret }] of Object.entries(contract.parameters)) {
    if (deprecated?.includes(name) || (secret && deprecated?.includes(plain)))
      return `${name} is a former name of ${current}${secret ? ', a secret' : ''}`;
  }
  return contract.prefixes.some((prefix) => name.startsWith(prefix)) ? `no parameter ${name}` : undefined;
}

function comparePorts(contract: Contract, facts: ImageFacts, repair: (line: string) => string): Disagreement[] {
  const declared = new Map<string, string>(
    Object.keys(contract.ports).flatMap((name) => {
      const number = defaultPort(contract, name);
      return number === undefined ? [] : [[`${number}/tcp`, name] satisfies [string, string]];
    }),
  );
  const line = repair(`EXPOSE ${[...declared.keys()].map((port) => port.replace('/tcp', '')).join(' ')}`);
  const missing = [...declared]
    .filter(([port]) => !facts.ports.has(port))
    .map(([port, name]) => ({ declared: `port ${name} has the default ${port}`, there: 'no EXPOSE for it' }));
  const surplusPorts = [...facts.ports]
    .filter((port) => !declared.has(port))
    .map((port) => ({ declared: `no port with the default ${port}`, there: `EXPOSE ${port}` }));
  return [...missing, ...surplusPorts].map((each) => ({ where: facts.where(), ...each, repair: line }));
}

function compareLabels(
  contract: Contract,
  licence: string,
  facts: ImageFacts,
  repair: (line: string) => string,
): Disagreement[] {
  return Object.entries(labelsOf(contract, licence)).flatMap(([name, value]) => {
    const there = facts.labels.get(name);
    if (there === value) return [];
    return [
      {
        where: facts.where(name),
        declared: `label ${name} is ${show(value)}`,
        there: there === undefined ? 'no such label' : show(there),
        repair: repair(`LABEL ${name}=${JSON.stringify(value)}`),
      },
    ];
  });
}

function compareUser(contract: Contract, facts: ImageFacts, repair: (line: string) => string): Disagreement[] {
  if (facts.user === contract.user) return [];
  return [
    {
      where: facts.where(),
      declared: `user ${contract.user}`,
      there: facts.user === '' ? 'no USER, so root' : `USER ${facts.user}`,
      repair: repair(`USER ${contract.user}`),
    },
  ];
}

/** As bundles bring it along; see sidecars/kit/life/healthcheck.sh. */
const HEALTHCHECK = '/sidecar/healthcheck';

function compareHealthcheck(contract: Contract, facts: ImageFacts, repair: (line: string) => string): Disagreement[] {
  const declared = [HEALTHCHECK, contract.healthcheck];
  if (JSON.stringify(facts.healthcheck) === JSON.stringify(declared)) return [];
  return [
    {
      where: facts.where(),
      declared: `a health check that asks for ${contract.healthcheck}`,
      there: facts.healthcheck.length === 0 ? 'no HEALTHCHECK' : `HEALTHCHECK CMD ${JSON.stringify(facts.healthcheck)}`,
      repair: repair(`HEALTHCHECK CMD ${JSON.stringify(declared).replace(',', ', ')}`),
    },
  ];
}

const show = (value: string): string => JSON.stringify(value);

/** A value of ENV as a Dockerfile reads it. */
export const quotedWord = (value: string): string => (/^[\w.,:/*-]+$/.test(value) ? value : JSON.stringify(value));
