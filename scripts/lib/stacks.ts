/** The stacks: each a folder with a compose.yaml, a scenario.ts and the ports that its .env pins. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'dotenv';
import { parse as parseYaml } from 'yaml';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Variables of a stack's .env that hold a published port begin so. */
export const PUBLISH = 'PUBLISH_';

export interface Stack {
  readonly name: string;
  /** Its folder. */
  readonly dir: string;
  /** What its .env says. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the variables that hold its published ports. */
  readonly portVariables: readonly string[];
}

/** Where stacks are looked for; the runner's own tests have a folder of theirs. */
export const stacksDir = (): string => resolve(process.env['STACKS_DIR'] ?? join(ROOT, 'stacks'));

/** The names of all stacks, sorted. */
export function stackNames(dir = stacksDir()): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(dir, entry.name, 'compose.yaml')))
    .map((entry) => entry.name)
    .toSorted();
}

/**
 * One stack.
 * @param name the folder's name
 * @throws {UnknownStack} when there is none of that name
 */
export function findStack(name: string, parent = stacksDir()): Stack {
  if (!stackNames(parent).includes(name)) throw new UnknownStack(name, stackNames(parent));
  const dir = join(parent, name);
  const file = join(dir, '.env');
  const env = existsSync(file) ? parse(readFileSync(file)) : {};
  return { name, dir, env, portVariables: Object.keys(env).filter((variable) => variable.startsWith(PUBLISH)) };
}

/** The files that `docker compose` reads in a stack's folder: the second adds to the first. */
export const composeFiles = (dir: string): string[] =>
  ['compose.yaml', 'compose.override.yaml'].map((name) => join(dir, name)).filter((file) => existsSync(file));

export class UnknownStack extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`There is no stack named ${JSON.stringify(name)}. The stacks are: ${known.join(', ')}.`);
  }
}

/**
 * Which service publishes the port of each PUBLISH_ variable, as the stack's compose files say.
 * @param stack the stack
 */
export function portOwners({ dir }: Stack): Map<string, string> {
  const services = composeFiles(dir).flatMap((file) => {
    const document = parseYaml(readFileSync(file, 'utf8'), { merge: true, logLevel: 'error', maxAliasCount: -1 }) as {
      services?: Record<string, { ports?: unknown[] } | null>;
    };
    return Object.entries(document.services ?? {});
  });
  return new Map(
    services.flatMap(([service, declared]) =>
      [...JSON.stringify(declared?.ports ?? []).matchAll(/PUBLISH_\w+/g)].map(([variable]) => [variable, service]),
    ),
  );
}
