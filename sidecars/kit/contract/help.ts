/** `--help` of a sidecar, made of its contract. */
import type { Contract } from './contract.ts';
import { accepts } from './parameter-types.ts';
import { flagOf } from './parameters.ts';
import { wrap } from '../text/wrap.ts';

/**
 * The help text.
 * @param contract the sidecar's contract
 * @returns lines for a terminal, at most 80 columns where names allow
 */
export function helpText(contract: Contract): string {
  const parameters = Object.entries(contract.parameters).flatMap(([name, parameter]) => [
    `  ${name}${parameter.secret ? ` (or ${name}_FILE)` : ''}   --${flagOf(name)}`,
    ...wrap(parameter.description, 6),
    ...wrap(`${accepts(parameter)}; ${parameter.required ? 'required' : `default ${parameter.default ?? 'none'}`}`, 6),
  ]);
  const pairs = (entries: Readonly<Record<string, string>>): string[] =>
    Object.entries(entries).flatMap(([name, text]) => wrap(`${name}  ${text}`, 2));
  return [
    `${contract.name} ${contract.version}`,
    ...wrap(contract.description, 0),
    '',
    'Parameters, by environment or flag:',
    ...parameters,
    '',
    'Admin port:',
    ...pairs(contract.endpoints),
    '',
    'Signals:',
    ...pairs(contract.signals),
    '',
    'Exit codes:',
    ...pairs(contract.exitCodes),
    '',
    'Further: --version, --contract (this contract as JSON), --help',
    '',
  ].join('\n');
}
