/**
 * Reads apt's sources, both forms of sources.list(5), and derives from them a source for another
 * release of Debian at the same mirror.
 */

/** One entry: a line of a `.list` file or a stanza of a `.sources` file. */
export interface AptSource {
  /** `deb`, `deb-src`. */
  types: string[];
  uris: string[];
  suites: string[];
  components: string[];
  /** Other fields in the `.sources` spelling (`Signed-By`, `Trusted`…); an inline key keeps its lines. */
  options: Record<string, string>;
}

/** Options of the one-line form whose `.sources` name is not just the capitalised one. */
const LONG_NAME: Record<string, string> = {
  arch: 'Architectures',
  lang: 'Languages',
  target: 'Targets',
  pdiffs: 'PDiffs',
};

/** Options that say how a mirror is trusted, which holds for its other suites too. */
const CARRIED = ['Signed-By', 'Trusted', 'Check-Valid-Until'];

/** Parses a file by its name's ending; anything but `.list` and `.sources` is ignored, as by apt. */
export function parseSources(fileName: string, text: string): AptSource[] {
  if (fileName.endsWith('.list')) return parseList(text);
  if (fileName.endsWith('.sources')) return parseStanzas(text).flatMap(toSource);
  return [];
}

/** Parses the one-line form: `deb [option=value …] uri suite component…`. Malformed lines are skipped. */
export function parseList(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const bare = line.replace(/#.*$/, '').trim();
    // A cdrom's URI may hold spaces, inside brackets.
    const match = /^(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?((?:[^\s[]|\[[^\]]*\])+)\s+(\S+)(?:\s+(.*))?$/.exec(bare);
    if (!match) return [];
    const [, type = '', options = '', uri = '', suite = '', components = ''] = match;
    return [
      { types: [type], uris: [uri], suites: [suite], components: words(components), options: parseOptions(options) },
    ];
  });
}

/**
 * Parses deb822(5) stanzas: `Field: value`, continuation lines that begin with white space, stanzas
 * apart by blank lines, `#` comments. Field names are returned in lower case; a value keeps its
 * continuation lines.
 */
export function parseStanzas(text: string): Record<string, string>[] {
  const stanzas: Record<string, string>[] = [];
  let stanza: Record<string, string> | undefined;
  let field = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    if (line.trim() === '') {
      stanza = undefined;
      continue;
    }
    const match = /^([^\s:]+):\s*(.*)$/.exec(line.trimEnd());
    if (/^\s/.test(line)) {
      if (stanza && field in stanza) stanza[field] += `\n${line.trimEnd()}`;
    } else if (match) {
      if (!stanza) stanzas.push((stanza = {}));
      field = (match[1] ?? '').toLowerCase();
      stanza[field] = match[2] ?? '';
    }
  }
  return stanzas;
}

/** Which mirror to derive from, and for which release. */
export interface Derivation {
  /** The machine's release, as its sources name it: `bookworm`. */
  from: string;
  /** The wanted release: `trixie`. */
  to: string;
  /** True for an archive of Debian's own; other people's sources use the same suite names. */
  isDebian: (uri: string) => boolean;
}

/**
 * The same mirrors' sources for another release: the main archive, its updates and the security
 * archive, with whatever says how they are trusted. Empty when no enabled source of Debian's main archive is found.
 */
export function deriveSources(sources: readonly AptSource[], { from, to, isDebian }: Derivation): AptSource[] {
  const derive = (suffix: string): AptSource[] => {
    for (const source of sources) {
      const uri = source.uris.find(isDebian);
      const fits = source.types.includes('deb') && source.suites.includes(from + suffix);
      const enabled = !/^(no|false|off|0|without|disable)$/i.test(source.options.Enabled ?? 'yes');
      if (!uri || !fits || !enabled || !source.components.includes('main')) continue;
      const options = Object.fromEntries(Object.entries(source.options).filter(([name]) => CARRIED.includes(name)));
      return [{ types: ['deb'], uris: [uri], suites: [to + suffix], components: ['main'], options }];
    }
    return [];
  };
  const main = derive('');
  return main.length === 0 ? [] : [...main, ...derive('-updates'), ...derive('-security')];
}

/** Writes sources in the `.sources` form. */
export function formatSources(sources: readonly AptSource[]): string {
  return sources
    .map(({ types, uris, suites, components, options }) =>
      [
        `Types: ${types.join(' ')}`,
        `URIs: ${uris.join(' ')}`,
        `Suites: ${suites.join(' ')}`,
        `Components: ${components.join(' ')}`,
        ...Object.entries(options).map(([name, value]) => `${name}:${value.startsWith('\n') ? '' : ' '}${value}`),
        '',
      ].join('\n'),
    )
    .join('\n');
}

/** True when two URIs of archives are the same but for a slash at the end. */
export function sameArchive(a: string, b: string): boolean {
  return a.replace(/\/+$/, '') === b.replace(/\/+$/, '');
}

function toSource(stanza: Record<string, string>): AptSource[] {
  const { types = '', uris = '', suites = '', components = '', ...rest } = stanza;
  if (!types || !uris || !suites) return [];
  const options = Object.fromEntries(Object.entries(rest).map(([name, value]) => [properName(name), value]));
  return [{ types: words(types), uris: words(uris), suites: words(suites), components: words(components), options }];
}

function parseOptions(text: string): Record<string, string> {
  const pairs = words(text).flatMap((word) => {
    const [, name = '', value = ''] = /^([^=+-]+(?:-[^=+-]+)*)=(.*)$/.exec(word) ?? [];
    return name ? [[LONG_NAME[name] ?? properName(name), value.replaceAll(',', ' ')] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function properName(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
