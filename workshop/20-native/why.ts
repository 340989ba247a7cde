/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  wrong: { en: '{answer}. {think}', de: '{answer}. Denk nach: {think}', es: '{answer}. Piénsalo: {think}' },
  report_starts: {
    en: 'what does the kubelet wait for before it starts the next container?',
    de: 'worauf wartet das Kubelet, bevor es den nächsten Container startet?',
    es: '¿a qué espera el kubelet antes de arrancar el contenedor siguiente?',
  },
  pod_ends: {
    en: 'who is still there when report has ended, and does the pod wait for it?',
    de: 'wer ist noch da, wenn report zu Ende ist, und wartet der Pod auf ihn?',
    es: '¿quién sigue ahí cuando report ha terminado, y lo espera el pod?',
  },
  shipper_first: {
    en: 'which of the two is started first, by the times that try prints?',
    de: 'welcher der beiden startet zuerst, nach den Zeiten, die try ausgibt?',
    es: '¿cuál de los dos arranca primero, según los tiempos que imprime try?',
  },
  shipper_comes_back: {
    en: 'the restart policy of the pod is Never. Whose is it not?',
    de: 'die Restart-Policy des Pods ist Never. Wessen ist sie nicht?',
    es: 'la política de reinicio del pod es Never. ¿De quién no lo es?',
  },
});
