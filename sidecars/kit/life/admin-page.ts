/** The admin port's `/`: one page for a person, from the contract. It needs no script, and has no secret. */
import { parseValue, type Parameter } from '../contract/parameter-types.ts';
import { withoutPasswords, type Parameters } from '../contract/parameters.ts';
import type { Contract } from '../contract/contract.ts';
import type { Problem } from '../telemetry/problems.ts';
import type { CheckState } from './readiness.ts';
import { STYLE } from './style.ts';

export interface PageOptions {
  readonly contract: Contract;
  /** Values of parameters by name, as readParameters gives them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly ready: boolean;
  readonly checks: readonly CheckState[];
  /** When the process began, since the epoch, in milliseconds. */
  readonly started: number;
  readonly problems: readonly Problem[];
  /** Paths of the admin port that answer GET. */
  readonly paths: readonly string[];
}

/** Nothing but the page's own style is loaded or run. */
export function pagePolicy(): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const style = createHash('sha256').update(STYLE).digest('base64');
  return `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/** The page as HTML. */
export function adminPage({ contract, parameters, ready, checks, started, problems, paths }: PageOptions): string {
  const { name, version, description } = contract;
  const state = ready ? 'ready' : 'not ready';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>${text(`${name}: ${state}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${text(name)} <small>${text(version)}</small></h1>
<p class="state" data-state="${ready ? 'good' : 'bad'}">${state}</p>
</header>
<p>${text(description)}</p>
<p class="quiet">Started ${ago(Date.now() - started)}.</p>
${section('Checks', checks.map(checkRow), 'This sidecar checks nothing but itself.')}
${section('Last problems', problems.map(problemRow), 'None since the start.')}
${section('Parameters', parameterRows(contract.parameters, parameters), 'There are none.')}
${section(
  'Links',
  paths.map((path) => linkRow(path, contract.endpoints[path])),
  'There are none.',
)}
</body>
</html>
`;
}

function section(title: string, rows: readonly string[], none: string): string {
  const content = rows.length === 0 ? `<p class="quiet">${none}</p>` : `<dl>\n${rows.join('\n')}\n</dl>`;
  return `<section>\n<h2>${title}</h2>\n${content}\n</section>`;
}

function row(term: string, value: string, more = ''): string {
  return `<div><dt>${term}</dt><dd>${value}${more === '' ? '' : `<small>${more}</small>`}</dd></div>`;
}

function checkRow({ name, ready, text: told, age }: CheckState): string {
  const state = `<span class="state" data-state="${ready ? 'good' : 'bad'}">${ready ? 'well' : 'not well'}</span>`;
  return row(text(name), `${state} since ${span(age)}`, text(told));
}

function problemRow({ time, level, message, cause, count }: Problem): string {
  const often = count === 1 ? '' : `, ${count} times`;
  return row(`${level} ${ago(Date.now() - time)}${often}`, text(message), text(cause));
}

function linkRow(path: string, says: string | undefined): string {
  return row(`<a href="${text(path)}"><code>${text(path)}</code></a>`, text(says ?? ''));
}

function parameterRows(declared: Parameters, values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(declared).flatMap(([name, parameter]) => {
    const value = values[name];
    if (value === undefined) return [];
    const shown = parameter.secret ? 'set, not shown' : `<code>${text(shownValue(value, parameter))}</code>`;
    const own = isDefault(value, parameter) ? '' : ' <strong>set</strong>';
    return [row(`<code>${text(name)}</code>${parameter.secret ? '' : own}`, shown, text(parameter.description))];
  });
}

function shownValue(value: unknown, parameter: Parameter): string {
  const plain = Array.isArray(value) ? value.join(', ') : String(value);
  const cut = plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
  const unit = parameter.type === 'duration' ? ' ms' : parameter.type === 'size' ? ' bytes' : '';
  return `${withoutPasswords(cut)}${unit}`;
}

function isDefault(value: unknown, parameter: Parameter): boolean {
  if (parameter.default === undefined) return false;
  return JSON.stringify(parseValue(parameter, parameter.default)) === JSON.stringify(value);
}

/** A span of time as one number: `3 min`. @param age in milliseconds */
function span(age: number): string {
  const seconds = Math.floor(age / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

const ago = (age: number): string => `${span(age)} ago`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Any text as HTML, also within an attribute. */
const text = (any: string): string => any.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
