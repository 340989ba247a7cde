/** The applications that topz looks at. */

export const APACHE = { name: 'apache2', uid: 33 };
export const WEBSTATS = { name: 'webstats', uid: 8000 };
/** What the command line of webstats holds, by its image. */
export const SECRETS = ['Wint3r-is-c0ming', 's3same-0pen'];
