/** What was asked for. */
import { SORTS, type Sort } from './text.ts';

const FORMATS = ['html', 'text', 'json'] as const;

export interface Query {
  readonly format: (typeof FORMATS)[number];
  /** One process only. */
  readonly pid: number | undefined;
  readonly sort: Sort;
  readonly tree: boolean;
  readonly history: boolean;
  /** Columns of the terminal; as many as it takes when none were named. */
  readonly width: number;
}

/** The query cannot be answered; the message says what can. */
export class BadQuery extends Error {}

/**
 * Read the query of `/topz`.
 * @param parameters of the URL; those that are not known are ignored
 * @param accept the request's Accept header: a browser gets the page, everybody else the text
 * @throws {BadQuery}
 */
export function readQuery(parameters: URLSearchParams, accept: string): Query {
  const pid = parameters.get('pid');
  if (pid !== null && !/^[1-9]\d{0,9}$/.test(pid)) throw new BadQuery('pid: accepted is a process id');
  const width = parameters.get('width');
  if (width !== null && !/^[1-9]\d{1,3}$/.test(width))
    throw new BadQuery('width: accepted is a number from 10 to 9999');
  return {
    width: width === null ? Infinity : Number(width),
    format: choice(parameters, 'format', FORMATS, accept.includes('text/html') ? 'html' : 'text'),
    pid: pid === null ? undefined : Number(pid),
    sort: choice(parameters, 'sort', SORTS, 'cpu'),
    tree: flag(parameters, 'tree'),
    history: flag(parameters, 'history'),
  };
}

function choice<T extends string>(parameters: URLSearchParams, name: string, choices: readonly T[], otherwise: T): T {
  const text = parameters.get(name);
  if (text === null) return otherwise;
  const chosen = choices.find((each) => each === text);
  if (chosen === undefined) throw new BadQuery(`${name}: accepted is one of ${choices.join(', ')}`);
  return chosen;
}

/** `?tree` and `?tree=1` are yes. */
const flag = (parameters: URLSearchParams, name: string): boolean =>
  parameters.has(name) && !['0', 'false', 'no'].includes(parameters.get(name)!);
