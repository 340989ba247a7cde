/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  justBegun: {
    en: 'board has only just begun: does its log say why?',
    de: 'board hat eben erst begonnen: sagt sein Log warum?',
    es: 'board acaba de empezar: ¿dice su registro por qué?',
  },
  noHealth: {
    en: 'board has no health check any more',
    de: 'board hat keine Gesundheitsprüfung mehr',
    es: 'board ya no tiene comprobación de salud',
  },
  health: {
    en: 'the health check of board says {health}',
    de: 'die Gesundheitsprüfung von board sagt {health}',
    es: 'la comprobación de salud de board dice {health}',
  },
  waitsNot: {
    en: 'tls does not wait until board is healthy any more',
    de: 'tls wartet nicht mehr, bis board gesund ist',
    es: 'tls ya no espera a que board esté sano',
  },
  notReady: {
    en: 'tls is not ready: {answer}',
    de: 'tls ist nicht bereit: {answer}',
    es: 'tls no está listo: {answer}',
  },
  pastSidecar: {
    en: 'port {port} is published: past the sidecar',
    de: 'der Port {port} ist veröffentlicht: am Sidecar vorbei',
    es: 'el puerto {port} se publica: sin pasar por el sidecar',
  },
  shownAgain: {
    en: 'the board is shown again after a crash',
    de: 'die Tafel wird nach einem Absturz wieder gezeigt',
    es: 'el panel se muestra otra vez después de una caída',
  },
});
