/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  right: {
    en: '{right} of {all} are right: {think}',
    de: '{right} von {all} stimmen: {think}',
    es: '{right} de {all} son correctas: {think}',
  },
  shop: {
    en: 'who shares a network namespace with whom, and who is only reached by it?',
    de: 'wer teilt mit wem einen Netzwerk-Namespace, und wer wird darüber nur erreicht?',
    es: '¿quién comparte un espacio de nombres de red con quién, y a quién solo se llega por la red?',
  },
  blog: {
    en: 'who ends, who owns the ports, and who is the reason that the others are there?',
    de: 'wer ist irgendwann fertig, wem gehören die Ports, und für wen sind die anderen da?',
    es: '¿quién termina, de quién son los puertos, y por quién están los demás?',
  },
  gateway: {
    en: 'a proxy before several applications: whose network does it share?',
    de: 'ein Proxy vor mehreren Anwendungen: wessen Netzwerk teilt er?',
    es: 'un proxy delante de varias aplicaciones: ¿la red de quién comparte?',
  },
  cache: {
    en: 'depends_on says an order. What says that something is shared?',
    de: 'depends_on nennt eine Reihenfolge. Was sagt, dass etwas geteilt wird?',
    es: 'depends_on dice un orden. ¿Qué dice que se comparte algo?',
  },
  twins: {
    en: 'two that do the same: does one help the other?',
    de: 'zwei, die dasselbe tun: hilft einer dem anderen?',
    es: 'dos que hacen lo mismo: ¿ayuda uno al otro?',
  },
  noRepository: {
    en: 'no repository is named',
    de: 'kein Repository ist genannt',
    es: 'no se nombra ningún repositorio',
  },
  nothingThere: { en: 'there is nothing at {folder}', de: 'unter {folder} ist nichts', es: 'no hay nada en {folder}' },
  noSidecar: {
    en: 'identify finds no sidecar there; choose one that has some',
    de: 'identify findet dort kein Sidecar; wähle eines, das welche hat',
    es: 'identify no encuentra ahí ningún sidecar; elige uno que los tenga',
  },
  named: {
    en: '{right} of {all} sidecars are named; names given: {given}',
    de: '{right} von {all} Sidecars sind genannt; Namen in der Antwort: {given}',
    es: 'se nombran {right} de {all} sidecars; nombres en la respuesta: {given}',
  },
});
