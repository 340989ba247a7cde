/**
 * The types a parameter may have: how each is written in the environment, and what it becomes.
 * A default is declared in the same text as a user would write, so that the Dockerfile's ENV, the
 * README's table and the declaration can be compared letter by letter.
 */

/** What every declaration says, whatever its type. */
interface Common {
  /** One sentence for the README's table and `--help`. */
  readonly description: string;
  /** The value when nothing is set, as a user would write it. Absent: the parameter is optional. */
  readonly default?: string;
  /** True when the sidecar cannot start without it. A required parameter has no default. */
  readonly required?: boolean;
  /** True when the value must not be shown; it may then also be given as a file, by `NAME_FILE`. */
  readonly secret?: boolean;
  /** Former names: still read, with a warning. */
  readonly deprecated?: readonly string[];
}

export interface StringParameter extends Common {
  readonly type: 'string' | 'path' | 'url';
  /** What a value must look like; `accepts` says the same in words. */
  readonly pattern?: RegExp;
  readonly accepts?: string;
  /** True for a whole document: line breaks are text too. */
  readonly multiline?: boolean;
}
export interface IntegerParameter extends Common {
  readonly type: 'integer' | 'port';
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
}
/** A span of time. Without a suffix a value counts in `unit`; it is handed out in milliseconds. */
export interface DurationParameter extends Common {
  readonly type: 'duration';
  readonly unit: 'ms' | 's';
  /** Bounds in milliseconds. */
  readonly min?: number;
  readonly max?: number;
}
/** An amount of memory. Without a suffix a value counts in bytes; it is handed out in bytes. */
export interface SizeParameter extends Common {
  readonly type: 'size';
  readonly unit: 'bytes';
  readonly min?: number;
  readonly max?: number;
}
export interface BooleanParameter extends Common {
  readonly type: 'boolean';
}
export interface EnumParameter extends Common {
  readonly type: 'enum';
  readonly values: readonly string[];
}
/** Comma-separated; blanks around an item and empty items are dropped. */
export interface ListParameter extends Common {
  readonly type: 'list';
  readonly pattern?: RegExp;
  readonly accepts?: string;
}

export type Parameter =
  | StringParameter
  | IntegerParameter
  | DurationParameter
  | SizeParameter
  | BooleanParameter
  | EnumParameter
  | ListParameter;

type Raw<P extends Parameter> = P extends IntegerParameter | DurationParameter | SizeParameter
  ? number
  : P extends BooleanParameter
    ? boolean
    : P extends ListParameter
      ? readonly string[]
      : P extends EnumParameter
        ? P['values'][number]
        : string;

/** The value of a parameter as the program sees it; `undefined` only where nothing guarantees one. */
export type Value<P extends Parameter> = P extends { readonly default: string } | { readonly required: true }
  ? Raw<P>
  : Raw<P> | undefined;

/** What was wrong with a text, and what would have been right; both are ends of sentences. */
export class Unacceptable extends Error {
  readonly accepted: string;
  constructor(wrong: string, accepted: string) {
    super(wrong);
    this.accepted = accepted;
  }
}

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Record<string, number> = {
  b: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
};

/**
 * What a parameter takes, in words: `a port, 1 to 65535`, `one of 1.2, 1.3`.
 * @param parameter its declaration
 * @returns the end of a sentence that begins "accepted is"
 */
export function accepts(parameter: Parameter): string {
  switch (parameter.type) {
    case 'port':
      return `a port, ${parameter.min ?? 1} to ${parameter.max ?? 65_535}`;
    case 'integer':
      return `a whole number${between(parameter.min, parameter.max, parameter.unit)}`;
    case 'duration':
      return `a duration such as 500ms, 10s or 2m (a bare number counts in ${parameter.unit})${between(parameter.min, parameter.max, 'ms')}`;
    case 'size':
      return `a size such as 16KiB or 10MiB (a bare number counts in bytes)${between(parameter.min, parameter.max, 'bytes')}`;
    case 'boolean':
      return 'true or false';
    case 'enum':
      return `one of ${parameter.values.join(', ')}`;
    case 'list':
      return parameter.accepts ?? 'a comma-separated list';
    case 'path':
      return parameter.accepts ?? 'an absolute path';
    case 'url':
      return parameter.accepts ?? 'an absolute http:// or https:// URL';
    case 'string':
      return parameter.accepts ?? 'any text';
  }
}

function between(min: number | undefined, max: number | undefined, unit = ''): string {
  const units = unit && ` ${unit}`;
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}${units}`;
  if (min !== undefined) return `, at least ${min}${units}`;
  return max === undefined ? '' : `, at most ${max}${units}`;
}

/**
 * Read one value.
 * @param parameter its declaration
 * @param text what the environment, a flag or a file holds
 * @returns the value: milliseconds for a duration, bytes for a size
 * @throws {Unacceptable} when the text is not of the parameter's type or out of its bounds
 */
export function parseValue(parameter: Parameter, text: string): string | number | boolean | readonly string[] {
  const refuse = (wrong: string): never => {
    throw new Unacceptable(wrong, accepts(parameter));
  };
  const bounded = (value: number, min?: number, max?: number): number =>
    (min !== undefined && value < min) || (max !== undefined && value > max) ? refuse('is out of range') : value;

  switch (parameter.type) {
    case 'integer':
      if (!/^-?\d{1,15}$/.test(text)) return refuse('is not a whole number');
      return bounded(Number(text), parameter.min, parameter.max);
    case 'port':
      if (!/^\d{1,15}$/.test(text)) return refuse('is not a port');
      return bounded(Number(text), parameter.min ?? 1, parameter.max ?? 65_535);
    case 'duration': {
      const [, digits, suffix] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)?$/.exec(text) ?? [];
      if (digits === undefined) return refuse('is not a duration');
      // To the microsecond, past what binary fractions leave: 1.001s is 1001 ms.
      const milliseconds = Math.round(Number(digits) * MILLISECONDS[suffix ?? parameter.unit]! * 1000) / 1000;
      return bounded(milliseconds, parameter.min, parameter.max);
    }
    case 'size': {
      const [, digits, suffix] = /^(\d{1,15})([a-z]{0,3})$/i.exec(text) ?? [];
      const factor = suffix ? BYTES[suffix.toLowerCase()] : 1;
      if (digits === undefined || factor === undefined) return refuse('is not a size');
      return bounded(Number(digits) * factor, parameter.min, parameter.max);
    }
    case 'boolean':
      if (/^(true|1|yes|on)$/i.test(text)) return true;
      return /^(false|0|no|off)$/i.test(text) ? false : refuse('is neither true nor false');
    case 'enum':
      return parameter.values.includes(text) ? text : refuse('is not a choice');
    case 'list': {
      const items = text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      const bad = items.find((item) => parameter.pattern && !parameter.pattern.test(item));
      return bad === undefined ? items : refuse(`has the item ${JSON.stringify(bad)}, which is malformed`);
    }
    case 'path':
      if (!text.startsWith('/')) return refuse('is not an absolute path');
      break;
    case 'url': {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (!url || !/^https?:$/.test(url.protocol)) return refuse('is not a URL');
      break;
    }
    case 'string':
  }
  const control = 'multiline' in parameter && parameter.multiline ? /(?![\t\r\n])\p{Cc}/u : /(?!\t)\p{Cc}/u;
  if (control.test(text)) return refuse('holds a control character');
  return parameter.pattern && !parameter.pattern.test(text) ? refuse('is malformed') : text;
}
