/** The broker's file: which servers each service has. YAML, of which JSON is a part. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Node, type YAMLMap } from 'yaml';
import { suggestion } from '#kit/text/suggestion.ts';
import { addressOf, type Address } from '../http.ts';

export interface Drain {
  /** So long the connections to a former server go on as they were, in milliseconds. */
  readonly grace: number;
  /** Then each is closed when the server has spoken last and nothing was said for so long, in milliseconds. */
  readonly quiet: number;
  /** So long after the move it is closed in any case, in milliseconds; Infinity for never. */
  readonly limit: number;
}

export interface Service {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'http';
  /** In the order in which they are tried. */
  readonly servers: readonly Address[];
  readonly drain: Drain;
}

/** The file cannot be used; the message begins with the line. */
export class DocumentRefused extends Error {
  override readonly name = 'DocumentRefused';
}

export const MAX_BYTES = 64 * 1024;
const MAX_SERVICES = 64;
const MAX_SERVERS = 16;
const MAX_DEPTH = 8;

const NAME = /^[\w.-]{1,63}$/;
const SERVER = /^(?:[A-Za-z0-9_.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):(\d{1,5})$/;
const DURATION = /^(\d{1,9})(ms|s|m|h)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** A day: as long as a timer may run. */
const MAX_DURATION = 86_400_000;
const DEFAULT_DRAIN: Drain = { grace: 0, quiet: 1000, limit: 300_000 };
const MIN_QUIET = 10;

/**
 * Read the file.
 * @returns its services, by name
 * @throws {DocumentRefused} with the line of the first thing that is wrong
 */
export function readDocument(text: string): ReadonlyMap<string, Service> {
  if (Buffer.byteLength(text) > MAX_BYTES) throw new DocumentRefused(`line 1: it has more than ${MAX_BYTES} bytes`);
  const lines = new LineCounter();
  try {
    // Deeper than this takes the parser's own stack; a line as indented as that is nobody's.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
    const [error] = document.errors;
    if (error !== undefined) throw new Wrong(error.pos[0], error.message.split('\n', 1)[0]!);
    visit(document, {
      Alias: (_, alias) => {
        throw new Wrong(alias.range?.[0] ?? 0, 'aliases are not taken');
      },
      Node: (_, node, path) => {
        if (path.length > 2 * MAX_DEPTH) throw new Wrong(node.range?.[0] ?? 0, 'it is nested too deeply');
      },
    });
    return servicesOf(document.contents);
  } catch (error) {
    if (error instanceof Wrong) throw new DocumentRefused(`line ${lines.linePos(error.at).line}: ${error.message}`);
    if (error instanceof DocumentRefused) throw error;
    throw new DocumentRefused(`line 1: no usable YAML: ${(error as Error).message}`);
  }
}

/** What is wrong, and where: an offset into the text. */
class Wrong extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

function servicesOf(contents: Node | null): Map<string, Service> {
  const top = fieldsOf(contents, 'the file', 0, ['services']);
  const { node, at } = top.get('services') ?? missing(0, 'the file', 'services');
  const services = new Map<string, Service>();
  const ports = new Map<number, string>();
  const entries = entriesOf(node, 'services', at);
  if (entries.length > MAX_SERVICES) throw new Wrong(at, `more than ${MAX_SERVICES} services`);
  for (const entry of entries) {
    if (!NAME.test(entry.key))
      throw new Wrong(entry.at, `${shown(entry.key)} is no name; accepted are letters, digits, - _ and .`);
    const service = serviceOf(entry.key, entry.node, entry.at);
    const other = ports.get(service.port);
    if (other !== undefined) throw new Wrong(entry.at, `${service.name} has the port of ${other}, ${service.port}`);
    ports.set(service.port, service.name);
    services.set(service.name, service);
  }
  return services;
}

function serviceOf(name: string, node: Node | null, at: number): Service {
  const fields = fieldsOf(node, name, at, ['port', 'protocol', 'servers', 'drain']);
  const port = fields.get('port') ?? missing(at, name, 'port');
  const servers = fields.get('servers') ?? missing(at, name, 'servers');
  const protocol = fields.get('protocol');
  return {
    name,
    port: portOf(port.node, `${name}.port`, port.at),
    protocol: protocol === undefined ? 'tcp' : protocolOf(protocol.node, `${name}.protocol`, protocol.at),
    servers: serversOf(servers.node, `${name}.servers`, servers.at),
    drain: drainOf(fields.get('drain'), `${name}.drain`),
  };
}

function portOf(node: Node | null, where: string, at: number): number {
  const value = scalarOf(node);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new Wrong(at, `${where} is ${shown(value)}; accepted is a number from 1 to 65535`);
}

function protocolOf(node: Node | null, where: string, at: number): 'tcp' | 'http' {
  const value = scalarOf(node);
  if (value === 'tcp' || value === 'http') return value;
  throw new Wrong(at, `${where} is ${shown(value)}; accepted is tcp or http`);
}

function serversOf(node: Node | null, where: string, at: number): Address[] {
  if (!isSeq(node) || node.items.length === 0) throw new Wrong(at, `${where} is no list of servers: [host:port, …]`);
  if (node.items.length > MAX_SERVERS) throw new Wrong(at, `${where}: more than ${MAX_SERVERS} servers`);
  const seen = new Set<string>();
  return node.items.map((item) => {
    const value = scalarOf(item as Node);
    const start = (item as Node).range?.[0] ?? at;
    const port = typeof value === 'string' ? Number(SERVER.exec(value)?.[1] ?? 0) : 0;
    if (typeof value !== 'string' || port < 1 || port > 65_535)
      throw new Wrong(start, `${where}: ${shown(value)} is no server; accepted is host:port`);
    if (seen.has(value)) throw new Wrong(start, `${where}: ${value} is there twice`);
    seen.add(value);
    return addressOf(value);
  });
}

function drainOf(field: Field | undefined, where: string): Drain {
  if (field === undefined) return DEFAULT_DRAIN;
  const fields = fieldsOf(field.node, where, field.at, ['grace', 'quiet', 'limit']);
  const duration = (name: keyof Drain): number => {
    const found = fields.get(name);
    return found === undefined ? DEFAULT_DRAIN[name] : durationOf(found.node, `${where}.${name}`, found.at, name);
  };
  return { grace: duration('grace'), quiet: duration('quiet'), limit: duration('limit') };
}

function durationOf(node: Node | null, where: string, at: number, name: keyof Drain): number {
  const value = scalarOf(node);
  if (name === 'limit' && value === 'never') return Infinity;
  const [, digits, unit] = DURATION.exec(String(value)) ?? [];
  const duration = Number(digits) * (UNITS[unit!] ?? Number.NaN);
  const least = name === 'quiet' ? MIN_QUIET : 0;
  if (duration >= least && duration <= MAX_DURATION) return duration;
  const also = name === 'limit' ? ', or never' : '';
  throw new Wrong(
    at,
    `${where} is ${shown(value)}; accepted is a time such as 500ms, 10s or 5m, from ${least} ms to 24h${also}`,
  );
}

interface Field {
  readonly node: Node | null;
  /** Where its key begins. */
  readonly at: number;
}

/** A mapping's entries. */
function entriesOf(node: Node | null, where: string, at: number): (Field & { readonly key: string })[] {
  if (!isMap(node)) throw new Wrong(node?.range?.[0] ?? at, `${where} is ${kindOf(node)}; accepted is a mapping`);
  return (node as YAMLMap<Node, Node | null>).items.map(({ key, value }) => ({
    key: String(scalarOf(key)),
    node: value,
    at: key.range?.[0] ?? at,
  }));
}

/** A mapping's entries by name, all of them known. */
function fieldsOf(node: Node | null, where: string, at: number, known: readonly string[]): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const entry of entriesOf(node, where, at)) {
    if (!known.includes(entry.key))
      throw new Wrong(
        entry.at,
        `${where}: ${shown(entry.key)} is not known${suggestion(entry.key, known)}; here are ${known.join(', ')}`,
      );
    fields.set(entry.key, entry);
  }
  return fields;
}

function missing(at: number, where: string, name: string): never {
  throw new Wrong(at, `${where} has no ${name}`);
}

const scalarOf = (node: Node | null): unknown => (isScalar(node) ? node.value : node === null ? null : kindOf(node));

const kindOf = (node: Node | null): string =>
  isMap(node) ? 'a mapping' : isSeq(node) ? 'a list' : node === null ? 'empty' : 'a value';

/** At most so much of what somebody else wrote goes into a message. */
const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);
