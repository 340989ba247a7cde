/** Pages that the sidecar itself shows: plain, without scripts, in words that say what to do next. */
import type { Reply } from '#proxy/http/reply.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (each) => ESCAPES[each]!);

const STYLE =
  'body{font:1.05rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;color:#1b1f24;background:#fbfbfa}' +
  'h1{font-size:1.45rem;margin:0 0 .6rem}p{margin:.6rem 0}a{color:#0b57d0}' +
  '.go{display:inline-block;margin-top:.6rem;padding:.5rem 1.1rem;border-radius:.4rem;background:#0b57d0;color:#fff;text-decoration:none;border:0;font:inherit}' +
  '@media(prefers-color-scheme:dark){body{color:#e6e6e3;background:#17191c}a{color:#8ab4f8}.go{background:#8ab4f8;color:#17191c}}';

/** Nothing of these answers may be kept, framed, or run. */
export const SAFE_FIELDS = [
  ['Cache-Control', 'no-store'],
  ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
] as const satisfies readonly (readonly [string, string])[];

export interface PageOptions {
  readonly status: number;
  readonly title: string;
  /** Paragraphs of plain text. */
  readonly text: readonly string[];
  /** What to do next. */
  readonly link?: { readonly href: string; readonly label: string; readonly newTab?: boolean };
  /** A button that sends a POST. */
  readonly form?: { readonly action: string; readonly label: string };
  readonly fields?: readonly (readonly [string, string])[];
}

export function page({ status, title, text, link, form, fields = [] }: PageOptions): Reply {
  const next =
    link === undefined
      ? ''
      : `<p><a class="go" href="${escapeHtml(link.href)}"${link.newTab ? ' target="_blank" rel="noopener"' : ''}>${escapeHtml(link.label)}</a></p>`;
  const button =
    form === undefined
      ? ''
      : `<form method="post" action="${escapeHtml(form.action)}"><button class="go">${escapeHtml(form.label)}</button></form>`;
  // Without a referrer a browser would send the form with `Origin: null`.
  const safe = SAFE_FIELDS.map(([name, value]) =>
    form !== undefined && name === 'Referrer-Policy' ? ([name, 'same-origin'] as const) : ([name, value] as const),
  );
  return {
    status,
    fields: [['Content-Type', 'text/html; charset=utf-8'], ...safe, ...fields],
    body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main><h1>${escapeHtml(title)}</h1>${text.map((each) => `<p>${escapeHtml(each)}</p>`).join('')}${next}${button}</main></body></html>\n`,
  };
}

export function json(status: number, value: unknown, fields: readonly (readonly [string, string])[] = []): Reply {
  return {
    status,
    fields: [['Content-Type', 'application/json'], ...SAFE_FIELDS, ...fields],
    body: `${JSON.stringify(value)}\n`,
  };
}

export function redirect(location: string, fields: readonly (readonly [string, string])[] = []): Reply {
  return {
    status: 302,
    fields: [['Location', location], ['Cache-Control', 'no-store'], ['Referrer-Policy', 'no-referrer'], ...fields],
  };
}

export const setCookies = (values: readonly string[]): (readonly [string, string])[] =>
  values.map((value) => ['Set-Cookie', value] as const);

/** @param wait milliseconds */
export const retryAfter = (wait: number): readonly [string, string] => [
  'Retry-After',
  String(Math.max(1, Math.ceil(wait / 1000))),
];
