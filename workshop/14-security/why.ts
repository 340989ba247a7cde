/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  published: {
    en: 'port {port} is published on {host}: past the sidecar, or to everybody',
    de: 'der Port {port} ist auf {host} veröffentlicht: am Sidecar vorbei oder für alle',
    es: 'el puerto {port} se publica en {host}: sin pasar por el sidecar, o para todos',
  },
  root: { en: '{service} runs as root', de: '{service} läuft als root', es: '{service} se ejecuta como root' },
  privileged: { en: '{service} is privileged', de: '{service} ist privilegiert', es: '{service} es privilegiado' },
  added: {
    en: '{service} has {capabilities}',
    de: '{service} hat {capabilities}',
    es: '{service} tiene {capabilities}',
  },
  keeps: {
    en: '{service} keeps the capabilities that the engine gives to everybody',
    de: '{service} behält die Rechte (capabilities), die die Engine jedem gibt',
    es: '{service} conserva las capacidades que el motor da a todos',
  },
  mayGain: {
    en: '{service} may gain privileges by a set-user-id program',
    de: '{service} darf durch ein set-user-id-Programm Rechte gewinnen',
    es: '{service} puede ganar privilegios con un programa set-user-id',
  },
  writable: {
    en: '{service} may write its own image',
    de: '{service} darf in sein eigenes Image schreiben',
    es: '{service} puede escribir en su propia imagen',
  },
  unbounded: {
    en: '{service} may take all memory, or all processes',
    de: '{service} darf allen Speicher nehmen oder alle Prozesse',
    es: '{service} puede tomar toda la memoria, o todos los procesos',
  },
  secret: {
    en: '{service} shows {name} to users who may inspect it',
    de: '{service} zeigt {name} jedem, der den Container inspizieren darf',
    es: '{service} muestra {name} a quien pueda inspeccionarlo',
  },
});
