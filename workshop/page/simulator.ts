/** The simulator: a pod to crash, without an engine. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import type { Sentence, Step, ProjectState } from '../simulator/model.ts';
import * as model from '../simulator/model.ts';
import { WIRINGS, type Part, type WiringName } from '../simulator/wirings.ts';
import { words } from './words.ts';

/** Between two things that happen by themselves, in milliseconds: slow enough to be read. */
const PACE = 700;
/** Sentences that are kept. */
const MOST = 40;

const { crash, hang, restart, recreate } = model;

/** The view. It stands still while it is not shown. */
export function simulator(): HTMLElement {
  let name: WiringName = 'pod';
  let project = model.begin(WIRINGS[name]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const picture = h('div', { class: 'boxes' });
  const visitor = h('p', { class: 'visitor', role: 'status' });
  const log = h('ol', { class: 'happened', 'aria-live': 'polite', 'aria-label': words.whatHappened });

  const draw = (): void => {
    const focused = document.activeElement?.id;
    setChildren(picture, boxes(project, take));
    if (focused) document.getElementById(focused)?.focus();
    const served = model.isServed(project);
    visitor.dataset['state'] = served ? 'met' : 'unmet';
    const up = Object.keys(project.containers).length > 0;
    setText(visitor, up ? (served ? words.visitorServed : words.visitorNotServed) : words.nothingYet);
  };
  const tell = (said: Sentence): void => {
    log.prepend(h('li', {}, sentence(said)));
    while (log.childElementCount > MOST) log.lastElementChild!.remove();
  };
  const take = ({ project: next, said }: Step): void => {
    project = next;
    tell(said);
    draw();
    clearTimeout(timer);
    timer = setTimeout(goOn, PACE);
  };
  const goOn = (): void => {
    const next = model.step(project);
    if (next) take(next);
  };
  const choose = (wanted: WiringName): void => {
    clearTimeout(timer);
    name = wanted;
    project = model.begin(WIRINGS[name]);
    log.replaceChildren();
    for (const [each, button] of wirings) button.setAttribute('aria-pressed', String(each === name));
    draw();
  };
  const wirings = new Map<WiringName, HTMLButtonElement>(
    (['pod', 'naive'] as const).map((each) => [
      each,
      action(`wired-${each}`, each === 'pod' ? words.wiredToPod : words.wiredToApp, () => choose(each)),
    ]),
  );
  const keep = h('input', { type: 'checkbox' });
  const element = h(
    'div',
    { class: 'lesson simulator' },
    h('h2', {}, words.simulator),
    h('p', {}, words.simulatorIntroduction),
    h('div', { class: 'buttons', role: 'group', 'aria-label': words.simulator }, ...wirings.values()),
    h(
      'div',
      { class: 'buttons' },
      action('up', words.up, () => take(model.up(project))),
      action('stop', words.stopAll, () => take(model.stop(project))),
      action('engine-restart', words.engineRestart, () => take(model.engine(project, 'TERM', keep.checked))),
      action('engine-kill', words.engineKill, () => take(model.engine(project, 'KILL', keep.checked))),
      h('label', {}, keep, ` ${words.liveRestore}`),
      action('anew', words.again, () => choose(name)),
    ),
    visitor,
    picture,
    h('h2', {}, words.whatHappened),
    log,
  );
  choose(name);
  return element;
}

function action(id: string, label: string, act: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', id: `simulator-${id}` }, label);
  button.addEventListener('click', act);
  return button;
}

function sentence({ what, service = '', count = 0 }: Sentence): string {
  return words.said[what](service, count);
}

/** A box for each network that somebody lives in, and one for those that do not run. */
function boxes(project: ProjectState, take: (step: Step) => void): HTMLElement[] {
  const networks = Map.groupBy(project.parts, ({ service }) => project.containers[service]?.network ?? null);
  return [...networks].map(([network, parts]) =>
    h(
      'article',
      { class: 'pod', 'data-shared': network === null || parts.length === 1 ? '' : 'net' },
      ...(network === null ? [] : [h('header', {}, h('small', {}, words.networkNumber(network)))]),
      h('div', { class: 'containers' }, ...parts.map((part) => card(project, part, take))),
    ),
  );
}

function card(project: ProjectState, { service, role }: Part, take: (step: Step) => void): HTMLElement {
  const container = project.containers[service];
  const stranded = model.isStranded(project, service);
  const runs = container?.state === 'running';
  const ill = stranded || container?.hung === true || (container?.exitCode ?? 0) !== 0;
  const state = container === undefined ? '–' : stateOf(container);
  // The pod does nothing, so nothing in it can crash; an init container has ended.
  const acts = role === 'app' || role === 'sidecar' ? ({ crash, hang, restart, recreate } as const) : { restart };
  return h(
    'div',
    { class: 'container', 'data-role': role, 'data-service': service, 'data-ill': ill && '' },
    h('header', {}, h('strong', { class: 'name' }, service), h('small', {}, words.roles[role])),
    h('p', { class: 'state' }, state),
    ...(container === undefined
      ? []
      : [h('p', { class: 'state' }, `${words.containerNumber(container.id)} · ${words.life(container.lives)}`)]),
    ...(container && container.restarts > 0 ? [h('p', { class: 'state' }, words.restarts(container.restarts))] : []),
    ...(stranded ? [h('p', { class: 'problem' }, words.strandedElsewhere(...strandedBetween(project, service)))] : []),
    ...(runs && role !== 'init'
      ? [
          h(
            'div',
            { class: 'faults', role: 'group', 'aria-label': words.faultsFor(service) },
            ...Object.entries(acts).map(([what, act]) =>
              action(`${what}-${service}`, words[what as keyof typeof acts], () => take(act(project, service))),
            ),
          ),
        ]
      : []),
  );
}

function stateOf({ state, exitCode, hung, ready }: model.Container): string {
  if (state === 'exited') return words.ended(exitCode ?? 0);
  return hung ? words.hung : ready ? words.running : words.notReadyYet;
}

function strandedBetween(project: ProjectState, service: string): [string, string, string] {
  const { joins } = project.parts.find((each) => each.service === service)!;
  const named = (of: string): string => {
    const network = project.containers[of]?.network ?? null;
    return network === null ? '–' : words.networkNumber(network);
  };
  return [named(service), joins!, named(joins!)];
}
