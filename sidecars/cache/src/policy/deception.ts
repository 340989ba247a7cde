/**
 * Cache deception: a link to `/account/x.css` makes an application that ignores the rest of a path show
 * the account of each visitor who follows it, under a name that a cache takes for a file. So what looks like a
 * file must be of that file's type.
 */
const TEXT = ['text/', 'application/'];
const TYPES: Readonly<Record<string, readonly string[]>> = {
  css: ['text/css'],
  js: ['text/javascript', 'application/javascript', 'application/x-javascript', 'text/ecmascript'],
  mjs: ['text/javascript', 'application/javascript'],
  map: ['application/json', 'application/octet-stream', 'text/plain'],
  json: ['application/json', 'application/ld+json', 'application/manifest+json', 'text/plain'],
  txt: ['text/plain'],
  csv: ['text/csv', 'text/plain', 'application/csv'],
  xml: ['text/xml', 'application/'],
  pdf: ['application/pdf', 'application/octet-stream'],
  ico: ['image/'],
  wasm: ['application/wasm'],
  ...group(['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'svg', 'bmp', 'tif', 'tiff'], ['image/']),
  ...group(['woff', 'woff2', 'ttf', 'otf', 'eot'], ['font/', 'application/']),
  ...group(['mp3', 'ogg', 'wav', 'flac', 'm4a'], ['audio/', 'application/ogg']),
  ...group(['mp4', 'webm', 'mov', 'avi', 'mkv', 'm4v'], ['video/']),
  ...group(['zip', 'gz', 'tgz', 'bz2', 'xz', '7z', 'rar', 'jar', 'exe', 'dmg', 'apk', 'bin'], ['application/']),
  ...group(['doc', 'docx', 'xls', 'xlsx', 'ppt', 'pptx', 'odt', 'ods'], TEXT),
};
/** Nothing that is downloaded under these names is a page. */
const PAGE = /^(?:text\/html|application\/xhtml\+xml)\b/;

function group(extensions: readonly string[], types: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(extensions.map((extension) => [extension, types]));
}

/**
 * Whether a response is of another type than its target's ending says.
 * @param target a path, perhaps with a query
 */
export function isCacheDeception(target: string, contentType: string | undefined): boolean {
  const path = decoded(target.split(/[?#]/, 1)[0]!);
  const extension = /\.([a-z0-9]{1,5})$/i.exec(path)?.[1]?.toLowerCase();
  const types = extension !== undefined && Object.hasOwn(TYPES, extension) ? TYPES[extension]! : undefined;
  if (types === undefined || contentType === undefined) return false;
  const type = contentType.trim().toLowerCase();
  return PAGE.test(type) || !types.some((expected) => type.startsWith(expected));
}

/** What an application may take a path for: escapes resolved, where they are any. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
