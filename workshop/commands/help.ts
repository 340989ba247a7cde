/** What `npm run workshop -- --help` prints. */
import type { Language } from '../languages/languages.ts';

const RUN = 'npm run workshop --';

export const HELP: Readonly<Record<Language, string>> = {
  en: `Exercises on sidecars that check themselves.

usage: make workshop                    the page; its address is printed
       ${RUN} list         the exercises, and how far you are
       ${RUN} run N        begin exercise N: files for you in
                                        workshop/mine, containers up; then
                                        every edit is applied and checked,
                                        until Ctrl-C, which removes them
       ${RUN} check N      apply and check once
       ${RUN} hint N       one more hint
       ${RUN} reset N      begin anew; your changes go
       ${RUN} solution N   lay a solution over your files, which
                                        are kept as NAME.yours
       ${RUN} stop N       remove its containers and volumes
       ${RUN} quiz         the questions that you have not
                                        answered right yet
       ${RUN} progress     how far you are, by goal; --json for a
                                        teacher
       ${RUN} interview    what you can say in 60 seconds and in
                                        five minutes, by the exercises done
       ${RUN} language de  all of this in German; es: Spanish,
                                        en: English
       ${RUN} homework DIR grades a repository of your own; nothing
                                        in it is run or changed
       ${RUN} site DIR     the page as files for any web server,
                                        for a room without an engine
       ${RUN} verify [N…]  are the exercises themselves right?

N is a number or a name: 2, 02-https or https.

  --jobs N    verify: how many exercises at a time (default 4)
  --port N    the page's port on 127.0.0.1 (default: one that is free)
  --json      progress: as one JSON document
  --keep      run and the page: Ctrl-C leaves up what was brought up
  --project P the page shows this compose project, too; may be repeated
  --help

exit code: 0; check, homework and verify: 1 when something is red; 2 for a wrong
command line
`,
  de: `Übungen zu Sidecars, die sich selbst prüfen.

Aufruf: make workshop                   die Seite; ihre Adresse wird ausgegeben
       ${RUN} list         die Übungen, und wie weit du bist
       ${RUN} run N        Übung N beginnen: Dateien für dich in
                                        workshop/mine, Container gestartet; dann
                                        wird jede Änderung angewendet und
                                        geprüft, bis Ctrl-C, das sie entfernt
       ${RUN} check N      einmal anwenden und prüfen
       ${RUN} hint N       noch ein Hinweis
       ${RUN} reset N      von vorn; deine Änderungen sind dann weg
       ${RUN} solution N   eine Lösung über deine Dateien legen;
                                        sie bleiben als NAME.yours erhalten
       ${RUN} stop N       Container und Volumes entfernen
       ${RUN} quiz         die Fragen, die du noch nicht richtig
                                        beantwortet hast
       ${RUN} progress     wie weit du bist, nach Zielen; --json
                                        für die Kursleitung
       ${RUN} interview    was du in 60 Sekunden und in fünf
                                        Minuten sagen kannst, nach Übungen
       ${RUN} language de  all das auf Deutsch; es: Spanisch,
                                        en: Englisch
       ${RUN} homework DIR benotet ein eigenes Repository; nichts
                                        darin wird ausgeführt oder geändert
       ${RUN} site DIR     die Seite als Dateien für jeden
                                        Webserver, für einen Raum ohne Engine
       ${RUN} verify [N…]  stimmen die Übungen selbst?

N ist eine Nummer oder ein Name: 2, 02-https oder https.

  --jobs N    verify: wie viele Übungen zugleich (Vorgabe 4)
  --port N    der Port der Seite auf 127.0.0.1 (Vorgabe: ein freier)
  --json      progress: als ein JSON-Dokument
  --keep      run und die Seite: Ctrl-C lässt laufen, was gestartet wurde
  --project P die Seite zeigt auch dieses Compose-Projekt; mehrmals möglich
  --help

Exit-Code: 0; check, homework und verify: 1, wenn etwas rot ist; 2 bei einer
falschen Befehlszeile
`,
  es: `Ejercicios sobre sidecars que se comprueban solos.

uso:   make workshop                    la página; se imprime su dirección
       ${RUN} list         los ejercicios, y hasta dónde llegas
       ${RUN} run N        empezar el ejercicio N: archivos en
                                        workshop/mine, contenedores en marcha;
                                        cada cambio se aplica y se comprueba,
                                        hasta Ctrl-C, que los elimina
       ${RUN} check N      aplicar y comprobar una vez
       ${RUN} hint N       una pista más
       ${RUN} reset N      empezar de nuevo; tus cambios se pierden
       ${RUN} solution N   poner una solución sobre tus archivos,
                                        que se guardan como NOMBRE.yours
       ${RUN} stop N       eliminar sus contenedores y volúmenes
       ${RUN} quiz         las preguntas que no has respondido bien
                                        todavía
       ${RUN} progress     hasta dónde llegas, por metas; --json
                                        para quien enseña
       ${RUN} interview    lo que puedes decir en 60 segundos y en
                                        cinco minutos, por ejercicios hechos
       ${RUN} language de  todo esto en alemán; es: español,
                                        en: inglés
       ${RUN} homework DIR califica un repositorio tuyo; nada de
                                        él se ejecuta ni se cambia
       ${RUN} site DIR     la página como archivos para cualquier
                                        servidor web, para un aula sin motor
       ${RUN} verify [N…]  ¿están bien los propios ejercicios?

N es un número o un nombre: 2, 02-https o https.

  --jobs N    verify: cuántos ejercicios a la vez (por omisión 4)
  --port N    el puerto de la página en 127.0.0.1 (por omisión: uno libre)
  --json      progress: como un documento JSON
  --keep      run y la página: Ctrl-C deja en marcha lo que se arrancó
  --project P la página muestra también este proyecto de compose; repetible
  --help

código de salida: 0; check, homework y verify: 1 si algo está en rojo; 2 si la
línea de órdenes no es correcta
`,
};
