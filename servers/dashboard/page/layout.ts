/** Where the services of a graph stand: callers left of what they call. */

export interface Place {
  readonly column: number;
  /** Half a row below it is the middle: a line's place is less than a row high, and has fractions. */
  readonly row: number;
}

/** The height of a line's free place, in rows of services. */
const LANE = 0.4;

export interface Layout {
  readonly places: ReadonlyMap<string, Place>;
  /** By `keyOf` an edge: free places that it goes through, in its order; none where it leads to the next column. */
  readonly ways: ReadonlyMap<string, readonly Place[]>;
  readonly columns: number;
  readonly rows: number;
}

export const keyOf = ({ from, to }: { readonly from: string; readonly to: string }): string => `${from}>${to}`;

/**
 * Give each service a place, and each edge that passes columns, or leads back, free places to go through. A service stands right of all that call it, as far as calls do not go in a circle.
 * @param names services, in the order in which they stand in a column
 */
export function layOut(
  names: readonly string[],
  edges: readonly { readonly from: string; readonly to: string }[],
): Layout {
  const column = new Map(names.map((name) => [name, 0]));
  // Each pass moves what is called one further; a circle would go on for ever.
  for (let pass = 0; pass < names.length; pass++) {
    let moved = false;
    for (const { from, to } of edges) {
      const [left, right] = [column.get(from), column.get(to)];
      if (left === undefined || right === undefined || from === to || right > left || left + 1 >= names.length)
        continue;
      column.set(to, left + 1);
      moved = true;
    }
    if (!moved) break;
  }
  const used = [...new Set(column.values())].toSorted((a, b) => a - b);
  const rows = used.map(() => 0);
  const places = new Map(
    names.map((name) => {
      const index = used.indexOf(column.get(name)!);
      return [name, { column: index, row: rows[index]!++ }];
    }),
  );
  const lane = (index: number): number => {
    const row = rows[index]!;
    rows[index] = row + LANE;
    // Its middle is as far below that of a service in this row.
    return row + LANE / 2 - 0.5;
  };
  const ways = new Map(
    edges.map((edge) => {
      const [start, end] = [places.get(edge.from)?.column ?? 0, places.get(edge.to)?.column ?? 0];
      const between =
        start < end
          ? used.map((_, index) => index).filter((index) => index > start && index < end)
          : used
              .map((_, index) => index)
              .filter((index) => index <= start && index >= end)
              .toReversed();
      return [keyOf(edge), between.map((index) => ({ column: index, row: lane(index) }))];
    }),
  );
  return { places, ways, columns: used.length, rows: Math.max(0, ...rows) };
}
