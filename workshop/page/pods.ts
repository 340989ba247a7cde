/** What runs, as boxes: who shares what, how each is, and a fault for each by button. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import { bytes } from '#kit/page/plot.ts';
import type {
  ContainerDocument,
  EngineState,
  PodDocument,
  PodsDocument,
  ProjectDocument,
  Stranded,
  Usage,
  UsageDocument,
} from '../server/document.ts';
import { arrows } from './arrows.ts';
import { cpuPlot, type CpuPlot } from './usage-plot.ts';
import { wish, wishButton } from './wish.ts';
import { language, words } from './words.ts';

const SHARED = { net: words.network, pid: words.processes, ipc: words.ipc };

interface Figures {
  readonly cpu: CpuPlot;
  readonly line: HTMLElement;
}

/**
 * The boxes.
 * @param choose is called with a container whose log shall be shown
 */
export function pods(choose: (id: string, service: string) => void): {
  readonly element: HTMLElement;
  update(document: PodsDocument): void;
  use(usage: UsageDocument): void;
  /** The project that stands above all others: that of the open exercise. */
  first(project: string | undefined): void;
} {
  const element = h('div', { class: 'projects' });
  /** Kept over changes of the boxes, so that plots go on. */
  const figures = new Map<string, Figures>();
  let latest: UsageDocument = {};
  const figuresOf = (id: string): Figures => {
    const known = figures.get(id) ?? { cpu: cpuPlot(), line: h('p', { class: 'figures' }) };
    figures.set(id, known);
    return known;
  };
  const draw = (project: ProjectDocument): HTMLElement => {
    const boxes = h('div', { class: 'boxes' }, ...project.pods.map((pod) => box(pod, choose, figuresOf)));
    return h(
      'section',
      { class: 'project', 'data-project': project.name },
      h('h2', {}, project.name),
      boxes,
      ...(project.arrows.length === 0 ? [] : [arrows(project, boxes)]),
    );
  };
  let top: string | undefined;
  let shown: PodsDocument | undefined;
  const drawn = new Map<string, { key: string; node: HTMLElement }>();
  return {
    element,
    update(document) {
      shown = document;
      const { engine, others } = document;
      const projects = document.projects.toSorted((a, b) => Number(b.name === top) - Number(a.name === top));
      const nodes = projects.map((project) => {
        const key = JSON.stringify(project);
        const known = drawn.get(project.name);
        if (known?.key === key) return known.node;
        const focused = globalThis.document.activeElement?.id;
        const node = draw(project);
        drawn.set(project.name, { key, node });
        // A button that was reached by keyboard stays reached.
        if (focused) queueMicrotask(() => globalThis.document.getElementById(focused)?.focus());
        return node;
      });
      const ids = new Set(
        projects.flatMap(({ pods: all }) => all.flatMap(({ containers }) => containers.map(({ id }) => id))),
      );
      for (const id of figures.keys()) if (!ids.has(id)) figures.delete(id);
      setChildren(element, [
        ...away(engine),
        ...nodes,
        ...(nodes.length === 0 && engine.state === 'up' ? [nothing()] : []),
        ...further(others),
      ]);
      this.use(latest);
    },
    first(project) {
      if (project === top) return;
      top = project;
      if (shown) this.update(shown);
    },
    use(usage) {
      latest = usage;
      for (const [id, { cpu, line }] of figures) {
        const one = usage[id];
        if (!one) continue;
        cpu.add(one.cpu);
        setText(line, figureText(one));
      }
    },
  };
}

const nothing = (): HTMLElement =>
  h('p', { class: 'quiet' }, words.nothingUp, h('code', {}, 'npm run stack -- https --keep'));

function away({ state, advice }: EngineState): HTMLElement[] {
  if (state === 'up') return [];
  return [
    h(
      'section',
      { class: 'away', role: 'alert' },
      h('h2', {}, advice.length === 0 ? words.lookingForEngine : words.engineAway),
      ...advice.map((line) => (line.startsWith('    ') ? h('pre', {}, line.trim()) : h('p', {}, line))),
    ),
  ];
}

/** Projects of others, which are shown on request. */
function further(others: readonly string[]): HTMLElement[] {
  if (others.length === 0) return [];
  return [
    h(
      'p',
      { class: 'others' },
      words.alsoUp,
      ...others.map((project) => wishButton(words.show(project), '/show', () => ({ project }))),
    ),
  ];
}

function box(
  { shared, containers, volumes }: PodDocument,
  choose: (id: string, service: string) => void,
  figuresOf: (id: string) => Figures,
): HTMLElement {
  const title = shared.length === 0 ? words.sharesNothing : words.shares(shared.map((kind) => SHARED[kind]).join(', '));
  return h(
    'article',
    { class: 'pod', 'data-shared': shared.join(' ') },
    h('header', {}, h('small', {}, title)),
    h('div', { class: 'containers' }, ...containers.map((each) => card(each, choose, figuresOf(each.id)))),
    ...(volumes.length === 0
      ? []
      : [
          h(
            'ul',
            { class: 'volumes', 'aria-label': words.sharedVolumes },
            ...volumes.map(({ name, mounted }) =>
              h('li', { title: name }, `▤ ${name.replace(/^.*?_/, '')}: ${mounted.join(', ')}`),
            ),
          ),
        ]),
  );
}

function card(
  container: ContainerDocument,
  choose: (id: string, service: string) => void,
  { cpu, line }: Figures,
): HTMLElement {
  const { id, service, role, state, exitCode, health, restarts, ports, stranded, fault } = container;
  const name = h('button', { type: 'button', class: 'name', id: `log-${id}`, title: words.showLog }, service);
  name.addEventListener('click', () => choose(id, service));
  const ill = stranded !== null || health === 'unhealthy' || (exitCode !== null && exitCode !== 0) || fault !== null;
  const standing = [
    `${wordFor(words.states, state)}${exitCode === null ? '' : ` (${exitCode})`}`,
    ...(health === null ? [] : [wordFor(words.healths, health)]),
    ...(restarts === 0 ? [] : [words.restarts(restarts)]),
  ];
  return h(
    'div',
    { class: 'container', 'data-role': role, 'data-service': service, 'data-state': state, 'data-ill': ill && '' },
    h('header', {}, name, h('small', {}, wordFor(words.roles, role))),
    h('p', { class: 'state' }, standing.join(' · ')),
    ...(stranded === null ? [] : [h('p', { class: 'problem' }, strandedWords(stranded))]),
    ...(fault === null
      ? []
      : [
          h(
            'p',
            { class: 'problem' },
            words.fault(words[fault.kind], new Date(fault.until).toLocaleTimeString(language)),
          ),
        ]),
    ...ports.map((port) => h('p', { class: 'port' }, port)),
    ...(state === 'running' ? [cpu.element, line] : []),
    faults(container),
  );
}

/** The learner's word for one of the engine's, or of a label's; one that we do not know stays. */
const wordFor = (known: Readonly<Record<string, string>>, word: string): string => known[word] ?? word;

function strandedWords(stranded: Stranded): string {
  if (stranded.owner === null) return words.strandedRemoved;
  const { owner, left, now } = stranded;
  return left === null || now === null ? words.strandedAlone(owner) : words.strandedElsewhere(left, owner, now);
}

function faults({ id, service, faults: offers, fault }: ContainerDocument): HTMLElement {
  const possible = offers.filter(({ unless }) => unless === null);
  return h(
    'div',
    { class: 'faults', role: 'group', 'aria-label': words.faultsFor(service) },
    ...possible.map(({ kind }) => {
      const button = h('button', { type: 'button', id: `${kind}-${id}`, disabled: fault !== null }, words[kind]);
      button.addEventListener('click', () => void wish('/fault', { id, kind }));
      return button;
    }),
  );
}

function figureText({ memory, ready, metric }: Usage): string {
  return [
    ...(memory === null ? [] : [bytes(memory)]),
    ...(ready === null ? [] : [ready ? words.ready : words.notReady]),
    ...(metric === null ? [] : [`${metric.name} ${metric.value}`]),
  ].join(' · ');
}
