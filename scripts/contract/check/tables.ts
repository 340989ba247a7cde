/** The contract as Markdown tables that read well raw, too. */
import { alertsOf } from '#kit/contract/alerts.ts';
import { defaultPort, type Contract } from '#kit/contract/contract.ts';
import type { Parameter } from '#kit/contract/parameter-types.ts';

export const SECTIONS = ['parameters', 'ports', 'endpoints', 'metrics', 'signals', 'exit-codes'] as const;
export type Section = (typeof SECTIONS)[number];

/** The Markdown of one section, without markers, ending in a newline. */
export function tableOf(contract: Contract, section: Section): string {
  switch (section) {
    case 'parameters':
      return table(
        ['Parameter', 'Default', 'Takes', 'Meaning'],
        Object.entries(contract.parameters).map(([name, parameter]) => [
          nameCell(name, parameter),
          defaultCell(parameter),
          takes(parameter),
          meaning(parameter),
        ]),
      );
    case 'ports':
      return table(
        ['Port', 'Parameter', 'Default', 'Meaning'],
        Object.entries(contract.ports).map(([name, port]) => [
          name,
          code(port.parameter),
          String(defaultPort(contract, name) ?? 'off'),
          port.description,
        ]),
      );
    case 'endpoints':
      return pairs(['Path', 'Answer'], contract.endpoints);
    case 'metrics':
      return table(
        ['Metric', 'Type', 'Labels', 'Meaning, what is bad, and the alert that watches it'],
        Object.entries(contract.metrics).map(([name, { type, labels = [], help, bad }]) => [
          code(name),
          type,
          labels.map(code).join(', '),
          `${help}${bad === undefined ? '' : `. **Bad:** ${bad}`}${watchedBy(alertsOf(name, contract.alerts))}`,
        ]),
      );
    case 'signals':
      return pairs(['Signal', 'Effect'], contract.signals);
    case 'exit-codes':
      return pairs(['Exit code', 'Meaning'], contract.exitCodes);
  }
}

const watchedBy = (alerts: readonly string[]): string =>
  alerts.length === 0 ? '' : ` (${alerts.map(code).join(', ')})`;

const code = (text: string): string => `\`${text}\``;

const pairs = (heads: readonly [string, string], entries: Readonly<Record<string, string>>): string =>
  table(
    heads,
    Object.entries(entries).map(([name, text]) => [code(name), text]),
  );

/** Columns are padded to their widest cell, but for the last, whose sentences are of any length. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replace(/\s+/g, ' ')));
  const last = heads.length - 1;
  const widths = heads.map((head, column) => Math.max(...[heads, ...cells].map((row) => (row[column] ?? head).length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => '-'.repeat(column === last ? heads[last]!.length : width)).join(' | ')} |`;
  return `${[line(heads), rule, ...cells.map(line)].join('\n')}\n`;
}

const nameCell = (name: string, { secret }: Parameter): string =>
  secret ? `${code(name)} or ${code(`${name}_FILE`)}` : code(name);

const defaultCell = ({ default: value, required }: Parameter): string =>
  required ? 'required' : value === undefined ? '' : code(value);

function meaning({ description, deprecated = [] }: Parameter): string {
  return deprecated.length === 0 ? description : `${description} (formerly ${deprecated.map(code).join(', ')})`;
}

/** Shorter than `accepts()`, which ends an error's sentence. */
function takes(parameter: Parameter): string {
  switch (parameter.type) {
    case 'enum':
      return parameter.values.map(code).join(', ');
    case 'integer':
      return `integer${bounds(parameter.min, parameter.max, parameter.unit)}`;
    case 'duration':
      return `duration in ${parameter.unit}${bounds(parameter.min, parameter.max, 'ms')}`;
    case 'size':
      return `size in bytes${bounds(parameter.min, parameter.max)}`;
    case 'string':
    case 'list':
      return parameter.accepts ?? (parameter.type === 'list' ? 'comma-separated list' : 'text');
    default:
      return parameter.type;
  }
}

function bounds(min: number | undefined, max: number | undefined, unit = ''): string {
  const units = unit && ` ${unit}`;
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}${units}`;
  if (min !== undefined) return min === 0 ? '' : `, from ${min}${units}`;
  return max === undefined ? '' : `, up to ${max}${units}`;
}
