/** What a container most likely does, and how sure that is, from all that is known of it and of its neighbours. */
import type { Evidence, Role } from '../model/answer.ts';
import { basename, localTargets, repository, type Facts, type Mount, type LocatedText } from '../model/facts.ts';
import { COMMANDS } from './commands.ts';
import { ENVIRONMENT, LOG_PATH, NAMES, NAME_WEIGHT } from './hints.ts';
import { IMAGES } from './images.ts';

export interface Judgement {
  readonly role: Role;
  /** 0 to 1: how likely this container helps another. */
  readonly confidence: number;
  readonly evidence: readonly Evidence[];
}

/** A clue for one role, or for being a helper of any kind (`undefined`). */
interface Clue {
  readonly role: Role | undefined;
  readonly weight: number;
  readonly evidence: Evidence;
  /** It counts only where something else says the same role. */
  readonly leans?: boolean;
}

/** Longer texts are scripts; their beginning says what they do. */
const MOST_TEXT = 4000;

const clue = (role: Role | undefined, weight: number, said: Pick<LocatedText, 'at'>, text: string): Clue => ({
  role,
  weight,
  evidence: { ...said.at, text, weight },
});

/**
 * Judge one container.
 * @param facts the container
 * @param neighbours the others of its group, whose network it shares where `sharesNetwork`
 * @param further evidence of being a helper that is not of the container alone
 */
export function judge(
  facts: Facts,
  neighbours: readonly Facts[],
  sharesNetwork: boolean,
  further?: Evidence,
): Judgement {
  const clues = [
    ...declared(facts),
    ...byImage(facts),
    ...byCommand(facts),
    ...byEnvironment(facts, neighbours),
    ...byPortNames(facts),
    ...byPrivileges(facts),
    ...byMounts(facts, neighbours),
    ...byNeighboursName(facts, neighbours),
    ...(sharesNetwork ? byTargets(facts, neighbours) : []),
    ...(further ? [{ role: undefined, weight: further.weight, evidence: further }] : []),
  ];
  const names = byName(facts);
  const known = new Set([...clues, ...names].filter((each) => !each.leans).map((each) => each.role));
  // A name alone is never enough: it only leans on what something else says.
  const all = (clues.length > 0 || neighbours.length > 0 ? [...clues, ...names] : clues).filter(
    (each) => !each.leans || known.has(each.role),
  );
  const roles = Map.groupBy(
    all.filter((each) => each.role !== undefined),
    (each) => each.role!,
  );
  let role: Role = 'unknown';
  let best = 0;
  for (const [candidate, own] of roles) {
    const sum = together(own);
    // That it helps is no role: whatever names one says more.
    const says = (candidate === 'unknown' ? 0 : 1) + sum;
    if (says > best + 1e-9) [role, best] = [candidate, says];
  }
  const general = all.filter((each) => each.role === undefined || (each.role === 'unknown' && role !== 'unknown'));
  const chosen = [...(roles.get(role) ?? []), ...general];
  const confidence = clues.length === 0 ? Math.min(together(chosen), 0.4) : together(chosen);
  return {
    role,
    confidence: round(confidence),
    evidence: chosen.map((each) => each.evidence).toSorted((a, b) => b.weight - a.weight),
  };
}

/** Independent clues add up: 1 − Π (1 − weight). */
const together = (clues: readonly Clue[]): number => 1 - clues.reduce((rest, each) => rest * (1 - each.weight), 1);
export const round = (value: number): number => Math.round(value * 100) / 100;

/** The label by which a service of sidecar-stacks says what it is. */
function declared(facts: Facts): Clue[] {
  const label = facts.labels.get('dev.sidecar-stacks.role');
  if (!label || !/^(sidecar|init)$/.test(label.text)) return [];
  return [clue(undefined, 0.9, label, `labelled as ${label.text}`)];
}

function byImage(facts: Facts): Clue[] {
  if (!facts.image) return [];
  const image = repository(facts.image.text);
  const found = IMAGES.filter(
    ({ pattern, tag }) => pattern.test(image) && (tag?.test(facts.image!.text) ?? true),
  ).toSorted((a, b) => b.weight - a.weight);
  // The strongest rule of each role; several rules of one role say the same thing.
  const seen = new Set<Role>();
  return found.flatMap((rule) => {
    // What runs first often runs the application's own image, for another purpose.
    if (seen.has(rule.role) || (facts.runsFirst && !RUNS_FIRST.has(rule.role))) return [];
    if (rule.role === 'unknown' && seen.size > 0) return [];
    seen.add(rule.role);
    return [clue(rule.role, rule.weight, facts.image!, `image ${image}`)];
  });
}

/** Roles of images that are made to run before others. */
const RUNS_FIRST = new Set<Role>([
  'init-network',
  'migration',
  'wait',
  'certs',
  'secrets',
  'git-sync',
  'content',
  'backup',
  'config',
]);

function byCommand(facts: Facts): Clue[] {
  if (!facts.command) return [];
  const text = facts.command.text.slice(0, MOST_TEXT);
  const lasts = !facts.runsFirst;
  const best = new Map<Role, Clue>();
  for (const rule of COMMANDS) {
    if (rule.only && (rule.only === 'lasting') !== lasts) continue;
    const match = rule.pattern.exec(text);
    if (!match || (best.get(rule.role)?.weight ?? 0) >= rule.weight) continue;
    const word = facts.words.find((each) => each.text.includes(match[0].trim().split(/\s/)[0]!)) ?? facts.command;
    best.set(rule.role, clue(rule.role, rule.weight, word, `${rule.says}: ${excerpt(match[0])}`));
  }
  return [...best.values()];
}

const excerpt = (text: string): string => {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
};

/** A variable that a neighbour has as well is a setting of the application. */
function byEnvironment(facts: Facts, neighbours: readonly Facts[]): Clue[] {
  const best = new Map<Role, Clue>();
  for (const [name, said] of facts.env) {
    if (neighbours.some(({ env }) => env.has(name))) continue;
    for (const { role, pattern, weight, leans = false } of ENVIRONMENT)
      if ((!facts.runsFirst || RUNS_FIRST.has(role)) && pattern.test(name) && (best.get(role)?.weight ?? 0) < weight)
        best.set(role, { ...clue(role, weight, said, `variable ${name}`), leans });
  }
  return [...best.values()];
}

/** All its ports are for metrics. */
function byPortNames({ ports, portNames }: Facts): Clue[] {
  const [first] = portNames;
  if (!first || portNames.length < ports.length || !portNames.every(({ text }) => METRICS_PORT.test(text))) return [];
  return [{ ...clue('metrics', 0.4, first, `port ${first.text}`), leans: true }];
}

const METRICS_PORT = /(^|-)(metrics|prom|prometheus|exporter)(-|$)/;

function byPrivileges(facts: Facts): Clue[] {
  if (!facts.capabilities.some((name) => /^(CAP_)?NET_ADMIN$/i.test(name))) return [];
  if (facts.runsFirst) return [clue('init-network', 0.5, facts, 'adds NET_ADMIN and runs first')];
  if (facts.devices.some((device) => device.includes('/dev/net/tun')))
    return [clue('vpn', 0.6, facts, 'adds NET_ADMIN and the device /dev/net/tun')];
  return [];
}

/** Who writes and who reads what is shared. */
function byMounts(facts: Facts, neighbours: readonly Facts[]): Clue[] {
  return facts.mounts.flatMap((mount) => {
    if (mount.source === undefined || mount.kind === 'file') return [];
    const others = neighbours.flatMap((each) => each.mounts).filter((other) => other.source === mount.source);
    if (others.length === 0) return [];
    const writers = others.filter((other) => !other.readOnly);
    if (mount.readOnly && writers.length > 0 && (LOG_PATH.test(mount.target) || LOG_PATH.test(mount.source)))
      return [clue('log-shipper', 0.35, mount, `reads ${mount.source}, where a neighbour writes logs`)];
    const reader = neighbours.find((each) => each.mounts.some((other) => serves(each, other, mount)));
    if (reader && feeds(facts, mount))
      return [clue('content', 0.5, mount, `fills ${mount.source}, which ${reader.name} serves`)];
    if (!mount.readOnly && others.every((other) => other.readOnly))
      return [clue(undefined, 0.25, mount, `writes ${mount.source}, which its neighbours only read`)];
    return [];
  });
}

/** A web server that only reads a folder, and serves it. */
const serves = (server: Facts, theirs: Mount, mount: Mount): boolean =>
  theirs.readOnly && theirs.source === mount.source && WEB_SERVER.test(basename(server.image?.text ?? ''));

/** It writes files, and nobody asks it for anything: a program that is asked has the web server as its proxy. */
const feeds = ({ ports, image, command, build }: Facts, { readOnly }: Mount): boolean =>
  !readOnly &&
  ports.length === 0 &&
  build === undefined &&
  !ANSWERS.test(`${image?.text ?? ''} ${command?.text ?? ''}`);

const WEB_SERVER = /^(nginx(-unprivileged)?|httpd|apache2?|caddy|lighttpd|openresty|darkhttpd|static-web-server)$/;
const ANSWERS = /fpm|php|uwsgi|gunicorn|uvicorn|puma|unicorn|serve|rails|django|node|tomcat|java/i;

/** It is told to speak to a port of the loopback interface that is not its own. */
function byTargets(facts: Facts, neighbours: readonly Facts[]): Clue[] {
  const theirs = new Set(neighbours.filter((each) => !each.runsFirst).flatMap((each) => each.ports));
  const targets = localTargets(facts).filter(({ port }) => port === undefined || !facts.ports.includes(port));
  const known = targets.find(({ port }) => port !== undefined && theirs.has(port));
  if (known) return [clue(undefined, 0.4, known.said, `speaks to port ${known.port} of a neighbour on localhost`)];
  const any = targets.find(({ port, said }) => port !== undefined && said.text.length < 400);
  return any ? [clue(undefined, 0.2, any.said, `speaks to localhost:${any.port}`)] : [];
}

/** `shop-metrics` beside `shop`. */
function byNeighboursName(facts: Facts, neighbours: readonly Facts[]): Clue[] {
  const name = facts.name.toLowerCase();
  const served = neighbours.find((each) => {
    const theirs = each.name.toLowerCase();
    return theirs !== '' && name.startsWith(theirs) && /^[-_]/.test(name.slice(theirs.length));
  });
  if (!served) return [];
  const purpose = name.slice(served.name.length);
  return NAMES.filter(([role, pattern]) => role !== 'unknown' && pattern.test(purpose))
    .slice(0, 1)
    .map(([role]) => clue(role, 0.4, facts, `is named after ${served.name}`));
}

function byName(facts: Facts): Clue[] {
  const found = NAMES.filter(([, pattern]) => pattern.test(facts.name.toLowerCase()));
  return found.slice(0, 2).map(([role]) => clue(role, NAME_WEIGHT, facts, `name ${facts.name}`));
}
