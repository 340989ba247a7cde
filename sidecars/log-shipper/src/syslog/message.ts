/**
 * Syslog messages: RFC 5424, https://www.rfc-editor.org/rfc/rfc5424#section-6, and what senders wrote before it,
 * https://www.rfc-editor.org/rfc/rfc3164#section-4. Nothing is refused: the text of what is neither is its message.
 */
import { isoTime } from '../lines/time.ts';
import { compileTimePattern } from '../lines/time-pattern.ts';

const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** By the element's id and the parameter's name; a name that is there several times has a list. */
export type StructuredData = ReadonlyMap<string, ReadonlyMap<string, string | string[]>>;

export interface SyslogMessage {
  /** 0 to 191: facility * 8 + severity; undefined where none is said. */
  readonly priority: number | undefined;
  /** Of the protocol; absent in what is older than RFC 5424, as all that such a message does not say. */
  readonly version?: number;
  /** ISO 8601. */
  readonly time?: string | undefined;
  readonly hostname?: string | undefined;
  readonly appname?: string | undefined;
  readonly procid?: string | undefined;
  readonly msgid?: string | undefined;
  readonly structured?: StructuredData | undefined;
  readonly text: string;
  /** It was not UTF-8. */
  readonly foreign: boolean;
}

const MOST_PRIORITY = 191;
const PRIORITY = /^<(\d{1,3})>/;
/** VERSION, TIMESTAMP, HOSTNAME, APP-NAME, PROCID, MSGID; names may be longer than the standard has them. */
const HEADER = /^([1-9]\d{0,2}) (\S{1,64}) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255})(?: |$)/;
/** Of RFC 3164; or, as some senders have it, that of RFC 5424. */
const OLD_TIME =
  /^(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)) /;
const TAG = /^([^\s:[\]]{1,255})(?:\[([^\]\s]{0,255})\])?:(?: |$)/;
/** A host's name ends before a tag. */
const HOST = /^(\S{1,255}) /;
const readOldTime = compileTimePattern('', '%b %e %H:%M:%S');

const PARAMETERS = 256;
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Read a message.
 * @param bytes one message, without its frame
 * @param readAt when it came, ISO 8601: RFC 3164 says no year
 */
export function readMessage(bytes: Buffer, readAt: string): SyslogMessage {
  const foreign = !isUtf8(bytes);
  // Some senders end each message as a line, or as a text of C.
  const all = trimmed(foreign ? bytes.toString('latin1') : bytes.toString());
  const [start = '', digits] = PRIORITY.exec(all) ?? [];
  const priority = digits === undefined ? undefined : Number(digits);
  if (priority !== undefined && priority > MOST_PRIORITY) return { priority: undefined, text: all, foreign };
  const rest = all.slice(start.length);
  if (priority === undefined) return { priority, text: rest, foreign };
  return { priority, foreign, ...(readNew(rest) ?? readOld(rest, readAt)) };
}

type Body = Omit<SyslogMessage, 'priority' | 'foreign'>;

function readNew(rest: string): Body | undefined {
  const [header, version, time, hostname, appname, procid, msgid] = HEADER.exec(rest) ?? [];
  if (header === undefined) return undefined;
  const data = readStructured(rest, header.length);
  const message = data === undefined ? rest.slice(header.length) : rest.slice(data.end).replace(/^ /, '');
  return {
    version: Number(version),
    time: isoTime(time!),
    hostname: said(hostname),
    appname: said(appname),
    procid: said(procid),
    msgid: said(msgid),
    structured: data?.structured,
    text: message.startsWith(BYTE_ORDER_MARK) ? message.slice(1) : message,
  };
}

const said = (word: string | undefined): string | undefined => (word === '-' ? undefined : word);

/** A name of the standard: no `=`, blank, `]` or `"`. */
const ELEMENT = /\[([^\s=\]"]{1,255})/y;
const PARAMETER = /\x20([^\s=\]"]{1,255})="((?:[^"\\\]]|\\.)*)"/sy;

/** @returns undefined where none is well-formed: what stands there is text then, so that nothing is lost */
function readStructured(text: string, from: number): { structured?: StructuredData; end: number } | undefined {
  const end = (at: number): boolean => at >= text.length || text[at] === ' ';
  if (text[from] === '-' && end(from + 1)) return { end: from + 1 };
  const elements = new Map<string, Map<string, string | string[]>>();
  let count = 0;
  let at = from;
  while (text[at] === '[') {
    ELEMENT.lastIndex = at;
    const [head, id] = ELEMENT.exec(text) ?? [];
    if (head === undefined) return undefined;
    at += head.length;
    const parameters = elements.get(id!) ?? new Map<string, string | string[]>();
    elements.set(id!, parameters);
    for (;;) {
      PARAMETER.lastIndex = at;
      const [whole, name, value] = PARAMETER.exec(text) ?? [];
      if (whole === undefined) break;
      if (++count > PARAMETERS) return undefined;
      at += whole.length;
      const plain = value!.replaceAll(/\\(["\\\]])/g, '$1');
      const before = parameters.get(name!);
      parameters.set(name!, before === undefined ? plain : [before, plain].flat());
    }
    if (text[at] !== ']' || ++count > PARAMETERS) return undefined;
    at += 1;
  }
  return at > from && end(at) ? { structured: elements, end: at } : undefined;
}

function readOld(rest: string, readAt: string): Body {
  const [stamp] = OLD_TIME.exec(rest) ?? [];
  if (stamp === undefined) return { text: rest };
  const time = isoTime(stamp.trimEnd()) ?? readOldTime(stamp, readAt);
  const behind = rest.slice(stamp.length);
  // A daemon that writes to a socket of its own host leaves the host out.
  const [host, hostname] = TAG.test(behind) ? [''] : (HOST.exec(behind) ?? ['']);
  const named = behind.slice(host.length);
  const [tag = '', appname, procid] = TAG.exec(named) ?? [];
  return { time, hostname, appname, procid: procid || undefined, text: named.slice(tag.length) };
}

/** Without the line's end, and NUL bytes behind it. */
function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && '\n\r\0'.includes(text[end - 1]!)) end -= 1;
  return text.slice(0, end);
}
