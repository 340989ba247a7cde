/** The services and who calls whom, as a picture that stays in place while its figures change. */
import { h, s, setAttributes, setChildren, setText } from '#kit/page/dom.ts';
import type { Edge } from '../src/edges.ts';
import type { MeshDocument, ServiceDocument } from '../src/view.ts';
import { keyOf, layOut, type Place } from './layout.ts';

const WIDTH = 170;
const HEIGHT = 64;
const GAP_X = 190;
const GAP_Y = 36;
const MARGIN = 16;
/** Room for lines that turn beside the first and the last column. */
const SIDE = 56;

const left = ({ column }: Place): number => SIDE + column * (WIDTH + GAP_X);
const top = ({ row }: Place): number => MARGIN + row * (HEIGHT + GAP_Y);

const middle = (place: Place): number => top(place) + HEIGHT / 2;

export class Graph {
  readonly element: HTMLElement;
  readonly #svg = s('svg', { role: 'group', 'aria-label': 'services and who calls whom' });
  readonly #edges = new Map<string, EdgeShape>();
  readonly #nodes = new Map<string, NodeShape>();
  readonly #choose: (edge: Edge) => void;

  /** @param choose is told which edge was chosen */
  constructor(choose: (edge: Edge) => void) {
    this.#choose = choose;
    this.element = h('section', { class: 'graph', 'aria-label': 'graph' }, this.#svg);
  }

  update({ services, edges }: MeshDocument): void {
    const named = new Set(services.map(({ name }) => name));
    // Callers and called services that have not registered.
    const others = new Set(edges.flatMap(({ from, to }) => [from, to]).filter((name) => !named.has(name)));
    const all: ServiceDocument[] = [...services, ...[...others].toSorted().map((name) => ({ name, replicas: [] }))];
    const { places, ways, columns, rows } = layOut(
      all.map(({ name }) => name),
      edges,
    );
    const width = 2 * SIDE + columns * (WIDTH + GAP_X) - GAP_X;
    const height = 2 * MARGIN + rows * (HEIGHT + GAP_Y) - GAP_Y;
    setAttributes(this.#svg, { viewBox: `0 0 ${width} ${height}`, width: String(width), height: String(height) });
    const nodes = all.map((service) => {
      const shape = this.#nodes.get(service.name) ?? new NodeShape(service.name);
      this.#nodes.set(service.name, shape);
      shape.update(service, places.get(service.name)!, named.has(service.name));
      return shape.element;
    });
    const shapes = edges.map((edge) => {
      const key = keyOf(edge);
      const shape = this.#edges.get(key) ?? new EdgeShape(key, this.#choose);
      this.#edges.set(key, shape);
      shape.update(edge, places.get(edge.from)!, places.get(edge.to)!, ways.get(key)!);
      return shape;
    });
    // Lines go behind services, and what is said of them before.
    setChildren(this.#svg, [...shapes.map(({ element }) => element), ...nodes, ...shapes.map(({ label }) => label)]);
  }
}

class NodeShape {
  readonly element: SVGGElement;
  readonly #box = s('rect', { width: String(WIDTH), height: String(HEIGHT), rx: '8' });
  readonly #detail = s('text', { class: 'detail', x: '12', y: '46' });

  constructor(name: string) {
    const title = s('text', { class: 'name', x: '12', y: '26' }, name);
    this.element = s('g', { class: 'service', 'data-service': name }, this.#box, title, this.#detail);
  }

  update({ replicas }: ServiceDocument, place: Place, known: boolean): void {
    const well = replicas.filter(({ healthy }) => healthy).length;
    setAttributes(this.element, {
      transform: `translate(${left(place)} ${top(place)})`,
      'data-health': known ? (well === replicas.length ? 'good' : well > 0 ? 'some' : 'bad') : 'unknown',
    });
    const versions = [...new Set(replicas.flatMap(({ version }) => version ?? []))].toSorted();
    const words = `${well}/${replicas.length} replicas${versions.length > 1 ? ` · v${versions.join(', v')}` : ''}`;
    setText(this.#detail, known ? words : 'not in the mesh');
  }
}

/** The bow of a lock, shut and open. */
const CLOSED = 'M-3 -1 V-3 A3 3 0 0 1 3 -3 V-1';
const OPEN = 'M-3 -1 V-4 A3 3 0 0 1 3 -4';

class EdgeShape {
  readonly element: SVGGElement;
  /** Lock and figures. */
  readonly label: SVGGElement;
  readonly #line = s('path', { class: 'line' });
  /** Wide and unseen: easier to hit. */
  readonly #target = s('path', { class: 'target' });
  readonly #figures = s('text', { class: 'figures' });
  readonly #shackle = s('path', {});
  readonly #lock = s(
    'g',
    { class: 'lock' },
    s('circle', { r: '10' }),
    s('rect', { x: '-4.5', y: '-1', width: '9', height: '6.5', rx: '1' }),
    this.#shackle,
  );
  #edge: Edge | undefined;

  constructor(key: string, choose: (edge: Edge) => void) {
    this.element = s('g', { class: 'edge', 'data-edge': key, role: 'button', tabindex: '0' }, this.#line, this.#target);
    this.label = s('g', { class: 'label', 'data-edge': key }, this.#lock, this.#figures);
    const chosen = (): void => {
      if (this.#edge) choose(this.#edge);
    };
    for (const each of [this.element, this.label]) each.addEventListener('click', chosen);
    this.element.addEventListener('keydown', ({ key: pressed }) => {
      if (pressed === 'Enter' || pressed === ' ') chosen();
    });
  }

  /** @param way free places that the line goes through */
  update(edge: Edge, from: Place, to: Place, way: readonly Place[]): void {
    this.#edge = edge;
    const path = pathOf(from, to, way);
    setAttributes(this.#line, { d: path });
    setAttributes(this.#target, { d: path });
    const half = way[Math.floor(way.length / 2)];
    const [x, y] = half
      ? [left(half) + WIDTH / 2, middle(half)]
      : [(left(from) + WIDTH + left(to)) / 2, (middle(from) + middle(to)) / 2];
    setAttributes(this.#figures, { x: String(x), y: String(y - 15), 'text-anchor': 'middle' });
    setAttributes(this.#lock, { transform: `translate(${x} ${y})`, visibility: edge.mtls ? 'visible' : 'hidden' });
    setAttributes(this.#shackle, { d: edge.mtls === 'all' ? CLOSED : OPEN });
    const health =
      edge.success === undefined ? 'idle' : edge.success >= 0.99 ? 'good' : edge.success >= 0.9 ? 'some' : 'bad';
    setAttributes(this.element, {
      'data-health': edge.rate === 0 ? 'idle' : health,
      'data-mtls': edge.mtls ?? 'unknown',
      'aria-label': `${edge.from} to ${edge.to}: ${wordsOf(edge)}, ${mtlsOf(edge)}`,
    });
    setAttributes(this.label, { 'data-mtls': edge.mtls ?? 'unknown' });
    setText(this.#figures, edge.rate === 0 ? '' : wordsOf(edge));
  }
}

/** From the right side of one service to the left side of another, straight through the free places between. */
function pathOf(from: Place, to: Place, way: readonly Place[]): string {
  const back = to.column <= from.column;
  let [x, y] = [left(from) + WIDTH, middle(from)];
  let path = `M${x} ${y}`;
  const curve = (toX: number, toY: number, leaving: 1 | -1, arriving: 1 | -1): void => {
    const bend = Math.max(40, Math.abs(toX - x) / 2);
    path += ` C${x + leaving * bend} ${y} ${toX - arriving * bend} ${toY} ${toX} ${toY}`;
    [x, y] = [toX, toY];
  };
  let direction: 1 | -1 = 1;
  for (const place of way) {
    const next = back ? -1 : 1;
    curve(left(place) + (back ? WIDTH : 0), middle(place), direction, next);
    x = left(place) + (back ? 0 : WIDTH);
    path += ` H${x}`;
    direction = next;
  }
  curve(left(to), middle(to), direction, 1);
  return path;
}

const mtlsOf = ({ mtls }: Edge): string =>
  mtls === undefined ? 'nothing in the last seconds' : { all: 'mTLS', some: 'partly mTLS', none: 'in the clear' }[mtls];

/** `12.3/s · 99.5 % · 3 ms` */
function wordsOf({ rate, kind, success, p50 }: Edge): string {
  const parts = [`${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)}${kind === 'connections' ? ' conn' : ''}/s`];
  if (success !== undefined) parts.push(`${(success * 100).toFixed(success === 1 ? 0 : 1)} %`);
  if (p50 !== undefined) parts.push(`${p50 < 10 ? p50.toFixed(1) : p50.toFixed(0)} ms`);
  return parts.join(' · ');
}
