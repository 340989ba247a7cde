/**
 * @peculiar/x509 registers its parts with tsyringe, which refuses to load without the metadata part
 * of Reflect, and then only asks it for constructor types that a bundle does not carry anyway.
 * Answering "none" is all that it needs; import this before @peculiar/x509.
 */
const none = (): undefined => undefined;
const shim = { getMetadata: none, getOwnMetadata: none, defineMetadata: none };

for (const [name, value] of Object.entries(shim)) {
  if (!(name in Reflect)) Object.defineProperty(Reflect, name, { value, configurable: true, writable: true });
}
