/** SQL without the values in it: what kind of query it was, and nothing of anybody's data. */

const NAME_START = /[\p{L}_$@]/u;
const NAME = /[\p{L}\p{N}_$@]/u;

/**
 * Replace strings, numbers and comments of a statement by `?`.
 *
 * Whether a backslash escapes depends on the session's sql_mode, which the log does not tell: from a string with a
 * backslash on, where it ends is not certain, and nothing more is shown. In doubt `"` is a string, too.
 * @param sql a statement, possibly cut off
 */
export function redactSql(sql: string): string {
  let shown = '';
  let at = 0;
  while (at < sql.length) {
    const character = sql[at]!;
    const comment = /^(?:#|--(?=\s|$))/.test(sql.slice(at, at + 3));
    if (comment) at = endOf(sql, '\n', at);
    else if (sql.startsWith('/*', at)) {
      at = endOf(sql, '*/', at + 2);
      shown += ' ';
    } else if (character === '`') {
      const end = closing(sql, at);
      shown += sql.slice(at, end);
      at = end;
    } else if (character === "'" || character === '"') {
      const end = closing(sql, at);
      if (sql.slice(at, end).includes('\\') || end > sql.length) return `${shown}?…`;
      shown += '?';
      at = end;
    } else if (NAME_START.test(character)) {
      const end = endOfName(sql, at);
      // x'…', b'…', n'…' and _utf8'…' are strings with a word before them, which says nothing.
      shown += sql.slice(at, end);
      at = end;
    } else if (/\d/.test(character) || (character === '.' && /\d/.test(sql[at + 1] ?? ''))) {
      shown += '?';
      at = endOfNumber(sql, at);
    } else {
      shown += character;
      at += 1;
    }
  }
  return shown.replaceAll(/\s+/g, ' ').trim();
}

/** Behind the next `mark`; the end where there is none. */
function endOf(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found === -1 ? sql.length : found + mark.length;
}

/** Behind the quote that ends what begins at `at`, a doubled one being part of it; past the end where there is none. */
function closing(sql: string, at: number): number {
  const quote = sql[at]!;
  for (let end = at + 1; ; end += 2) {
    end = sql.indexOf(quote, end);
    if (end === -1) return sql.length + 1;
    if (sql[end + 1] !== quote) return end + 1;
  }
}

function endOfName(sql: string, at: number): number {
  let end = at + 1;
  while (end < sql.length && NAME.test(sql[end]!)) end += 1;
  return end;
}

/** `12`, `1.5e-3`, `0xff`. */
function endOfNumber(sql: string, at: number): number {
  let end = at + 1;
  while (end < sql.length && (/[\w.]/.test(sql[end]!) || (/[+-]/.test(sql[end]!) && /e/i.test(sql[end - 1]!))))
    end += 1;
  return end;
}
