/** Where lines between boxes go: pure geometry, in pixels, with y downwards. */

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
export type Point = readonly [x: number, y: number];
export type Route = readonly Point[];

/** Between a line and everything that it does not connect. */
const CLEAR = 2;
/** The last segment has room for an arrow head of 5 px. */
const LEAST_END = 6;
/** Where on a side a line may start or end; earlier ones are preferred. */
const FRACTIONS = [0.5, 0.35, 0.65, 0.2, 0.8];
/** How far from a side a line may run along it. */
const LANES = [7, 10, 14];
const BEND_COST = 30;
const CROSSING_COST = 60;

/**
 * Connect boxes with horizontal and vertical segments, each pair by its shortest free route.
 * @param links pairs of names; the arrow points to the second
 * @param boxes a name's box; lines start and end at boxes and cross none
 * @param texts further places that no line may cross
 * @param area that no line may leave
 * @returns a route for each link, from its first to its last point; undefined when one link has no free route
 */
export function routes(
  links: readonly (readonly [from: string, to: string])[],
  boxes: ReadonlyMap<string, Rect>,
  texts: readonly Rect[],
  area: Rect,
): Route[] | undefined {
  const found: Route[] = [];
  for (const [from, to] of links) {
    const [a, b] = [boxes.get(from), boxes.get(to)];
    if (a === undefined || b === undefined || a === b) return undefined;
    const obstacles = [...[...boxes.values()].filter((each) => each !== a && each !== b), ...texts];
    const taken = found.flatMap(segments);
    const best = candidates(a, b)
      .filter((route) => free(route, a, b, obstacles, area) && !segments(route).some((one) => runsAlong(one, taken)))
      .map((route, index) => ({ route, cost: cost(route, taken) + index / 1000 }))
      .toSorted((one, other) => one.cost - other.cost)[0];
    if (best === undefined) return undefined;
    found.push(best.route);
  }
  return found;
}

function candidates(a: Rect, b: Rect): Route[] {
  return [...sideways(a, b), ...sideways(turned(a), turned(b)).map(turnedBack), ...corners(a, b)];
}

/** Routes whose first and last segments are horizontal. */
function sideways(a: Rect, b: Rect): Route[] {
  const all: Route[] = [];
  const [top, bottom] = [Math.max(a.top, b.top), Math.min(a.bottom, b.bottom)];
  const gap = a.right < b.left ? ([a.right, b.left] as const) : ([a.left, b.right] as const);
  const apart = a.right < b.left || b.right < a.left;
  if (apart && top < bottom)
    for (const y of along(top, bottom))
      all.push([
        [gap[0], y],
        [gap[1], y],
      ]);
  const middles = apart
    ? [(gap[0] + gap[1]) / 2, ...LANES.flatMap((lane) => gap.map((x, end) => x + lane * Math.sign(gap[1 - end]! - x)))]
    : [];
  const lanes = LANES.flatMap((lane) => [
    { start: a.right, end: b.right, x: Math.max(a.right, b.right) + lane },
    { start: a.left, end: b.left, x: Math.min(a.left, b.left) - lane },
  ]);
  for (const { start, end, x } of [...middles.map((x) => ({ start: gap[0], end: gap[1], x })), ...lanes])
    for (const y of along(a.top, a.bottom))
      for (const other of along(b.top, b.bottom))
        all.push([
          [start, y],
          [x, y],
          [x, other],
          [end, other],
        ]);
  return all;
}

/** Routes with one bend. */
function corners(a: Rect, b: Rect): Route[] {
  return along(a.top, a.bottom)
    .flatMap((y) =>
      along(b.left, b.right).flatMap((x): Route[] => {
        const start = x > a.right ? a.right : a.left;
        const end = y < b.top ? b.top : b.bottom;
        return [
          [
            [start, y],
            [x, y],
            [x, end],
          ],
        ];
      }),
    )
    .concat(
      along(a.left, a.right).flatMap((x) =>
        along(b.top, b.bottom).map((y): Route => [
          [x, y > a.bottom ? a.bottom : a.top],
          [x, y],
          [x < b.left ? b.left : b.right, y],
        ]),
      ),
    );
}

const along = (from: number, to: number): number[] => FRACTIONS.map((fraction) => from + (to - from) * fraction);
const turned = ({ left, top, right, bottom }: Rect): Rect => ({ left: top, top: left, right: bottom, bottom: right });
const turnedBack = (route: Route): Route => route.map(([y, x]) => [x, y]);

/** A route's segments, as rectangles without a width. */
function segments(route: Route): Rect[] {
  return route.slice(1).map(([x, y], index) => {
    const [before, above] = route[index]!;
    return {
      left: Math.min(x, before),
      right: Math.max(x, before),
      top: Math.min(y, above),
      bottom: Math.max(y, above),
    };
  });
}

const length = ({ left, top, right, bottom }: Rect): number => right - left + bottom - top;

const meet = (one: Rect, other: Rect, margin: number): boolean =>
  one.left < other.right + margin &&
  one.right > other.left - margin &&
  one.top < other.bottom + margin &&
  one.bottom > other.top - margin;

function free(route: Route, a: Rect, b: Rect, obstacles: readonly Rect[], area: Rect): boolean {
  const all = segments(route);
  if (length(all.at(-1)!) < LEAST_END) return false;
  return all.every(
    (one, index) =>
      one.left >= area.left &&
      one.right <= area.right &&
      one.top >= area.top &&
      one.bottom <= area.bottom &&
      !meet(one, a, index === 0 ? 0 : CLEAR) &&
      !meet(one, b, index === all.length - 1 ? 0 : CLEAR) &&
      !obstacles.some((each) => meet(one, each, CLEAR)),
  );
}

const lies = ({ top, bottom }: Rect): boolean => top === bottom;
/** Two lines that run along each other look like one. */
const runsAlong = (one: Rect, taken: readonly Rect[]): boolean =>
  taken.some((each) => lies(each) === lies(one) && meet(one, each, 2 * CLEAR));

function cost(route: Route, taken: readonly Rect[]): number {
  const all = segments(route);
  const crossings = all.reduce((sum, one) => sum + taken.filter((each) => meet(one, each, CLEAR)).length, 0);
  return all.reduce((sum, one) => sum + length(one), 0) + BEND_COST * all.length + CROSSING_COST * crossings;
}
