/** Documents that the checks put, each with a release by which it is known again. */

export interface BoardOptions {
  readonly release: number;
  readonly notice?: string;
  /** 0 makes a file that is well-formed, and a board that never answers. */
  readonly workers?: number;
  /** Lines of filler; each names the release, so that a mixture of two files would show. */
  readonly filler?: number;
}

/** The board's INI file. */
export function boardIni({ release, notice = 'Mind the gap.', workers = 4, filler = 0 }: BoardOptions): string {
  return [
    '[board]',
    `release = ${release}`,
    'station = Central',
    `notice = ${notice}`,
    ...Array.from({ length: filler }, (_, line) => `; release ${release}, line ${line} of ${filler}`),
    '[departures]',
    '09.05 = Harbour',
    '09.12 = Old Town',
    '[pool]',
    `workers = ${workers}`,
    `; end of release ${release}`,
    '',
  ].join('\n');
}

/** The board's INI file with a line that is none. */
export const brokenIni = (release: number): string => boardIni({ release }).replace('[board]', '[board');

/** The YAML file of the exchange rates; only EUR and its like are currencies to the program. */
export const ratesYaml = (release: number, base = 'EUR'): string =>
  `release: ${release}\nbase: ${base}\nrates:\n  USD: 1.0842\n  SEK: 11.215\n`;

export interface NginxOptions {
  readonly release: number;
  /** Where it listens; the pod publishes 8080. */
  readonly port?: number;
}

/** nginx's whole configuration. */
export const nginxConf = ({ release, port = 8080 }: NginxOptions): string => `# release ${release}
pid /tmp/nginx.pid;
worker_processes 1;
events {}
http {
    access_log off;
    default_type text/html;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen ${port};
        location = /release { default_type text/plain; return 200 "release ${release}\\n"; }
        location / { root /etc/nginx/live; }
    }
}
`;
