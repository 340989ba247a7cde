/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  waitsNot: {
    en: '{service} waits for {other}: {found}, and not until {condition}',
    de: '{service} wartet auf {other}: {found}, und nicht auf {condition}',
    es: '{service} espera a {other}: {found}, y no hasta {condition}',
  },
  notAtAll: { en: 'not at all', de: 'gar nicht', es: 'en absoluto' },
  prepareIs: {
    en: 'prepare is {state} (exit code {code})',
    de: 'prepare ist nicht zu Ende oder gescheitert: {state} (Exit-Code {code})',
    es: 'prepare no ha terminado, o ha fallado: {state} (código de salida {code})',
  },
  beforePrepare: {
    en: 'reports began before prepare had ended',
    de: 'reports begann, bevor prepare zu Ende war',
    es: 'reports empezó antes de que terminara prepare',
  },
  beforeTls: { en: 'reports began before tls did', de: 'reports begann vor tls', es: 'reports empezó antes que tls' },
  health: {
    en: 'the health check of tls says {health}',
    de: 'die Gesundheitsprüfung von tls sagt {health}',
    es: 'la comprobación de salud de tls dice {health}',
  },
  noHealth: {
    en: 'tls is without a health check',
    de: 'tls hat keine Gesundheitsprüfung',
    es: 'tls no tiene comprobación de salud',
  },
  noProbe: {
    en: 'no service "probe" looks after the application',
    de: 'kein Service „probe“ sieht nach der Anwendung',
    es: 'ningún servicio «probe» cuida de la aplicación',
  },
  probeSilent: {
    en: 'the service "probe" does not answer on its admin port',
    de: 'der Service „probe“ antwortet nicht an seinem Admin-Port',
    es: 'el servicio «probe» no responde en su puerto de administración',
  },
  startedAnew: {
    en: 'reports is started anew after it has hung',
    de: 'reports wird neu gestartet, nachdem es hing',
    es: 'reports arranca de nuevo después de bloquearse',
  },
  tlsToo: {
    en: 'tls was restarted, too: liveness is each container’s own',
    de: 'auch tls wurde neu gestartet: Liveness gehört jedem Container selbst',
    es: 'también se reinició tls: la liveness es de cada contenedor',
  },
  answersAgain: { en: 'reports answers again', de: 'reports antwortet wieder', es: 'reports responde otra vez' },
});
