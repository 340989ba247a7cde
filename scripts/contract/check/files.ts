/** Does everything that follows from a sidecar's declaration agree with it? */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Disagreement } from './disagreement.ts';
import { readDockerfile } from '../../../tools/contract/dockerfile.ts';
import { compareFacts } from './image-facts.ts';
import { differences, excerpt } from './json-difference.ts';
import { fillReadme, markersOf } from './readme.ts';
import type { Sidecar } from '../sidecars.ts';

/** What `contract write` would write. */
export const contractJson = (sidecar: Sidecar): string => `${JSON.stringify(sidecar.document, null, 2)}\n`;

/**
 * Compare a sidecar's Dockerfile, contract.json and README with its declaration.
 * @param licence that the image's label must name
 */
export function checkFiles(sidecar: Sidecar, licence: string): Disagreement[] {
  return [...checkDockerfile(sidecar, licence), ...checkJson(sidecar), ...checkReadme(sidecar)];
}

function checkDockerfile(sidecar: Sidecar, licence: string): Disagreement[] {
  const where = `${sidecar.path}/Dockerfile`;
  const text = read(sidecar, 'Dockerfile');
  if (text === undefined)
    return [{ where, declared: `an image ${sidecar.name}`, there: 'no such file', repair: `write ${where}` }];
  return compareFacts(sidecar.contract, licence, readDockerfile(text, where), (line) => `write ${line}`);
}

function checkJson(sidecar: Sidecar): Disagreement[] {
  const where = `${sidecar.path}/contract.json`;
  const text = read(sidecar, 'contract.json');
  if (text === undefined)
    return [
      { where, declared: `contract ${sidecar.document.version}`, there: 'no such file', repair: writeCommand(sidecar) },
    ];
  return compareJson(sidecar, text, where, writeCommand(sidecar));
}

/**
 * A contract as JSON text beside the declaration.
 * @param where the text comes from
 */
export function compareJson(sidecar: Sidecar, text: string, where: string, repair: string): Disagreement[] {
  let actual: unknown;
  try {
    actual = JSON.parse(text);
  } catch (error) {
    return [{ where, declared: 'a contract as JSON', there: `no JSON (${(error as Error).message})`, repair }];
  }
  const expected: unknown = JSON.parse(JSON.stringify(sidecar.document));
  const found = differences(expected, actual).map(({ path, ...values }) => ({
    where,
    declared: `${path} is ${excerpt(values.expected)}`,
    there: excerpt(values.actual),
    repair,
  }));
  // The same content, laid out by hand: `git diff` after the next write would show a change that is none.
  if (found.length === 0 && text !== contractJson(sidecar))
    return [{ where, declared: 'the layout that write gives it', there: 'another layout', repair }];
  return found;
}

function checkReadme(sidecar: Sidecar): Disagreement[] {
  const where = `${sidecar.path}/README.md`;
  const text = read(sidecar, 'README.md');
  if (text === undefined)
    return [{ where, declared: 'tables of the contract', there: 'no such file', repair: `write ${where}` }];
  const { missing, stale } = fillReadme(text, sidecar.contract);
  return [
    ...missing.map((section) => ({
      where,
      declared: `a table of ${section}`,
      there: 'no markers for it',
      repair: `put ${markersOf(section)} where it belongs, then ${writeCommand(sidecar)}`,
    })),
    ...stale.map((section) => ({
      where,
      declared: `the table of ${section}`,
      there: 'another table',
      repair: writeCommand(sidecar),
    })),
  ];
}

const writeCommand = ({ name }: Sidecar): string => `npm run contract -- write ${name}`;

/** A file of the sidecar's folder; undefined when there is none. */
export function read(sidecar: Sidecar, file: string): string | undefined {
  try {
    return readFileSync(join(sidecar.folder, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
