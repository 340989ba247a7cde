/** An event's text as the document that is stored: one line of JSON, fields after the Elastic Common Schema. */
import { CONTAINER_LABELS, isRawJSON, parseObject, saidOnce, toSchema } from './json-line.ts';
import type { Rules } from './rules.ts';
import { timeIn } from './time.ts';
import type { TimeReader } from './time-pattern.ts';

/** Bytes after the limit that rules still see, so that a secret across the cut is found whole. */
export const MARGIN = 4096;

/** What is said of an event besides its text. */
export interface Circumstances {
  /** Members of the document that the input knows, as JSON text with a comma behind each. */
  readonly members: string;
  /** Tells when it was read or received, which stands for the event's time where that has none; not asked otherwise. */
  readonly time: () => string;
  /** It was longer than the limit, and its text is only the beginning. */
  readonly cut: boolean;
  /** How many characters are left of it then; absent, as many as the limit. */
  readonly kept?: number | undefined;
  /** It was not UTF-8. */
  readonly foreign: boolean;
  /** Lines may follow the first. */
  readonly multiline: boolean;
}

export interface DocumentsOptions {
  readonly rules: Rules;
  /** The most characters of an event's text. */
  readonly limit: number;
  /** Names of members that inputs add. */
  readonly ours: readonly string[];
  /** Whether a line of text is looked at for its time. */
  readonly detectTime?: boolean;
  /** Finds times of the operator's own pattern, before any other. */
  readonly readTime?: TimeReader | undefined;
}

export class Documents {
  readonly #rules: Rules;
  readonly #limit: number;
  readonly #ours: readonly string[];
  readonly #detects: boolean;
  readonly #readTime: TimeReader | undefined;
  /** The last time in whole seconds, and how many lines had it before. */
  #second = '';
  #count = 0;

  constructor({ rules, limit, ours, detectTime = false, readTime }: DocumentsOptions) {
    this.#readTime = readTime;
    this.#detects = detectTime;
    this.#rules = rules;
    this.#limit = limit;
    this.#ours = ours;
  }

  /** Whether a rule drops a text. */
  drops(text: string): boolean {
    return this.#rules.drops(text);
  }

  /**
   * @param raw the event without its last newline; up to MARGIN longer than the limit when it was cut
   * @returns the document; undefined when a rule drops the event
   */
  create(raw: string, circumstances: Circumstances): string | undefined {
    const { members, time, cut, kept: most = this.#limit, foreign, multiline } = circumstances;
    const text = multiline && raw.includes('\r') ? raw.replaceAll('\r\n', '\n') : raw;
    if (this.#rules.drops(text)) return undefined;
    const head = members + flags(cut, foreign, multiline && text.includes('\n'));
    const kept = this.#rules.redact(text);
    if (!cut) {
      const json = this.#fromJson(kept, members, head, time, multiline);
      if (json !== undefined) return json;
    }
    const shown = kept === text ? kept : this.#rules.redact(unescape(kept));
    const message = cut ? shown.slice(0, most).toWellFormed() : shown;
    const own = this.#ordered(this.#readTime?.(text, time()) ?? (this.#detects ? timeIn(text) : undefined));
    return `{"@timestamp":"${own ?? time()}",${head}"message":${JSON.stringify(message)}}`;
  }

  /** A time in whole seconds counts up behind the second, so that a viewer shows lines in their order. */
  #ordered(time: string | undefined): string | undefined {
    if (time === undefined || time.includes('.')) return time;
    this.#count = time === this.#second ? Math.min(this.#count + 1, 999_999_999) : 0;
    this.#second = time;
    return `${time.slice(0, 19)}.${String(this.#count).padStart(9, '0')}${time.slice(19)}`;
  }

  #fromJson(text: string, members: string, head: string, time: () => string, multiline: boolean): string | undefined {
    const fields = parseObject(text) ?? (multiline ? parseWithTrace(text) : undefined);
    if (fields === undefined) return undefined;
    try {
      const own = toSchema(fields, this.#ours);
      saidOnce(fields, members);
      const document = `{"@timestamp":"${own ?? time()}",${head}`;
      const rest = this.#rules.redacts ? this.#redacted(fields) : JSON.stringify(fields);
      if (rest === '{}') return `${document.slice(0, -1)}}`;
      const whole = document + rest.slice(1);
      if (!this.#rules.redacts || parseObject(whole) !== undefined) return whole;
      // A rule went across a quotation mark. What it left is text.
      return `${document}"message":${JSON.stringify(rest)}}`;
    } catch {
      // Nested too deeply to be written again.
      return undefined;
    }
  }

  /**
   * Rules have seen the line as it was written. Now they see each string as it was before it was
   * escaped, then the whole as it is stored: a secret is found however it is written.
   */
  #redacted(fields: unknown): string {
    const walked = JSON.stringify(fields, (_key, value: unknown) => {
      if (typeof value === 'string') return this.#rules.redact(value);
      if (value === null || typeof value !== 'object' || Array.isArray(value) || isRawJSON(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [this.#rules.redact(name), each]));
    });
    return this.#rules.redact(walked);
  }
}

/** Printable characters that JSON escaped: where a rule made text of a line of JSON, nothing hides behind those. */
function unescape(text: string): string {
  return text.replace(/\\u00([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** An object on the first line and a stack trace on those that follow. */
function parseWithTrace(text: string): Record<string, unknown> | undefined {
  const newline = text.indexOf('\n');
  if (newline === -1) return undefined;
  const fields = parseObject(text.slice(0, newline));
  if (fields !== undefined) fields['error.stack_trace'] = text.slice(newline + 1);
  return fields;
}

/** `log.flags`: what was done with the event. */
function flags(cut: boolean, foreign: boolean, multiline: boolean): string {
  if (!cut && !foreign && !multiline) return '';
  const all = [...(cut ? ['truncated'] : []), ...(foreign ? ['not-utf8'] : []), ...(multiline ? ['multiline'] : [])];
  return `"log.flags":${JSON.stringify(all)},`;
}

/** A member of a document as JSON text with a comma behind it; empty when there is no value. */
export function member(name: string, value: string | number | undefined): string {
  return value === undefined ? '' : `${JSON.stringify(name)}:${JSON.stringify(value)},`;
}

/** The compose service is a container's label, if its driver was told to send it (`labels: com.docker.compose.service`). */
const SERVICE_LABEL = 'com.docker.compose.service';

/**
 * The labels and variables of a container as members of a document, and the service that one of them names. A dot would make
 * an object of a name, beside which a store has no room for a label `app` where there is `app.version`. Of two that
 * are one without their dots, the first is taken.
 */
export function labelMembers(labels: Iterable<readonly [name: string, value: string]>): string {
  const named = new Map<string, string>();
  let service: string | undefined;
  for (const [name, value] of labels) {
    if (name === SERVICE_LABEL) service = value;
    const plain = name.replaceAll('.', '_');
    if (plain !== '' && !named.has(plain)) named.set(plain, value);
  }
  const members = [...named].map(([name, value]) => member(`${CONTAINER_LABELS}${name}`, value));
  return member('service.name', service) + members.join('');
}
