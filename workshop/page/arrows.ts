/** Who talks to whom: lines between the containers' boxes where there is room, and a list with the variables that say so. */
import { h, s, setChildren } from '#kit/page/dom.ts';
import type { ProjectDocument } from '../server/document.ts';
import { routes, type Point, type Rect, type Route } from './routes.ts';
import { words } from './words.ts';

const HEAD = { length: 5, half: 3.5 };
/** Below this width of the window there are no lines. */
const NARROW = '(max-width: 30rem)';
/** By project: whether the learner has opened or closed its list. */
const opened = new Map<string, boolean>();

/**
 * Draw a project's arrows over its boxes, and anew whenever a box changes its size.
 * @param boxes the element with the containers' boxes; it gets an SVG layer, which screen readers skip
 * @returns the list of arrows, which a key opens and closes; it is open at first where no lines are drawn
 */
export function arrows({ name, arrows: all }: ProjectDocument, boxes: HTMLElement): HTMLElement {
  const summary = h('summary', { id: `talks-${name}` }, words.whoTalks);
  const list = h(
    'details',
    { class: 'arrows' },
    summary,
    h('ul', {}, ...all.map(({ from, to, by }) => h('li', {}, `${from} → ${to} `, h('small', {}, by)))),
  );
  summary.addEventListener('click', () => opened.set(name, !list.open));
  const layer = s('svg', { class: 'lines', 'aria-hidden': 'true' });
  boxes.append(layer);
  const links = new Map<string, { pair: readonly [string, string]; by: string[] }>();
  for (const { from, to, by } of all) {
    const key = JSON.stringify([from, to]);
    const link = links.get(key) ?? { pair: [from, to], by: [] };
    link.by.push(by);
    links.set(key, link);
  }
  const redraw = (): void => {
    const lines = matchMedia(NARROW).matches
      ? undefined
      : routesIn(
          boxes,
          [...links.values()].map(({ pair }) => pair),
        );
    list.open = opened.get(name) ?? lines === undefined;
    setChildren(
      layer,
      (lines ?? []).map((route, index) => line(route, [...links.values()][index]!.by.join(', '))),
    );
  };
  const observer = new ResizeObserver(redraw);
  for (const each of [boxes, ...boxes.querySelectorAll('.container')]) observer.observe(each);
  return list;
}

function routesIn(boxes: HTMLElement, links: readonly (readonly [string, string])[]): Route[] | undefined {
  const origin = boxes.getBoundingClientRect();
  const rect = (of: Element | Range): Rect => {
    const { left, top, right, bottom } = of.getBoundingClientRect();
    return { left: left - origin.left, top: top - origin.top, right: right - origin.left, bottom: bottom - origin.top };
  };
  const containers = [...boxes.querySelectorAll<HTMLElement>('.container')];
  const places = new Map(containers.map((each) => [each.dataset['service']!, rect(each)]));
  // Replicas have one name: a line could not say which of them is meant.
  if (places.size < containers.length) return undefined;
  const texts = [...boxes.querySelectorAll('.pod > header small, .volumes li')].map((each) => {
    const range = document.createRange();
    range.selectNodeContents(each);
    return rect(range);
  });
  return routes(links, places, texts, rect(boxes));
}

function line(route: Route, by: string): SVGElement {
  const [before, end] = [route.at(-2)!, route.at(-1)!];
  const [dx, dy] = [Math.sign(end[0] - before[0]), Math.sign(end[1] - before[1])];
  const base: Point = [end[0] - dx * HEAD.length, end[1] - dy * HEAD.length];
  const sides = [1, -1].map((side) => `${base[0] - side * dy * HEAD.half} ${base[1] + side * dx * HEAD.half}`);
  return s(
    'g',
    {},
    s('title', {}, by),
    s('path', { d: `M${[...route.slice(0, -1), base].map((point) => point.join(' ')).join('L')}` }),
    s('path', { class: 'head', d: `M${sides[0]}L${end.join(' ')}L${sides[1]}Z` }),
  );
}
