# A good version, one that the board cannot work with, and the good one again.
set -eu
put() { docker compose exec -T operator operator put board.ini; }
release() { sed "s/^release = .*/release = $1/" board.ini; }
# Until the board shows it: the sidecar takes one version after the other.
shows() { while [ "$SECONDS" -lt 200 ]; do docker compose exec -T board python3 -c 'from urllib.request import urlopen as u; print(u("http://127.0.0.1:8080/").read().decode())' 2> /dev/null | grep -q "release = $1\$" && return; sleep 0.2; done; echo "the board does not show release $1"; exit 1; }
# Until its sidecar has reported that a version was taken back.
undone() { while [ "$SECONDS" -lt 200 ]; do docker compose logs board-config | grep -qi "$1" && return; sleep 0.2; done; echo "no $1 in the log of board-config"; exit 1; }
release 2 | put
shows 2
# No worker is left to make pages: the change is applied, does not work, and is rolled back.
release 3 | sed 's/^workers = .*/workers = 0/' | put
undone 'rolled.back'
release 4 | put
shows 4
