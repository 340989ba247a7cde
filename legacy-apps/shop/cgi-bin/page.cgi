#!/bin/sh
# page.cgi - a page of the shop. What it says of caching stands in its query, as somebody once found practical:
# /page?cc=max-age=60&wait=1&tag=books
wait= cc= tag= etag= vary= cookie= half= drip= until= hint=
IFS='&'
for pair in $QUERY_STRING; do
  value=${pair#*=}
  while :; do
    case $value in *%20*) value="${value%%%20*} ${value#*%20}" ;; *) break ;; esac
  done
  case $pair in
    wait=*) wait=$value ;; cc=*) cc=$value ;; tag=*) tag=$value ;; etag=*) etag=$value ;;
    vary=*) vary=$value ;; cookie=*) cookie=$value ;; half=*) half=$value ;; drip=*) drip=$value ;;
    until=*) until=${value##*/} ;; hint=*) hint=$value ;;
  esac
done
known=
[ -n "$etag" ] && [ "$HTTP_IF_NONE_MATCH" = "\"$etag\"" ] && known=yes
# What the page needs, said before the warehouse has answered.
[ -n "$hint" ] && printf 'Status: 103 Early Hints\r\nLink: </shop.css>; rel=preload; as=style\r\n\r\n'
# The warehouse takes its time.
[ -n "$wait" ] && [ -z "$drip" ] && sleep "$wait"
[ -n "$known" ] && printf 'Status: 304 Not Modified\r\n'
[ -n "$cc" ] && printf 'Cache-Control: %s\r\n' "$cc"
[ -n "$tag" ] && printf 'Surrogate-Key: %s\r\n' "$tag"
[ -n "$vary" ] && printf 'Vary: %s\r\n' "$vary"
[ -n "$etag" ] && printf 'ETag: "%s"\r\n' "$etag"
[ -n "$cookie" ] && printf 'Set-Cookie: session=%s\r\n' $$
[ -n "$half" ] && printf 'Content-Length: 100000\r\n'
printf 'Content-Type: text/plain\r\n\r\n'
[ -n "$known" ] && exit 0
printf 'first line, process %s\n' $$
# A part now, the rest when the warehouse has answered.
[ -n "$drip" ] && [ -n "$wait" ] && sleep "$wait"
# Or until a note of this name lies among the logs, for a minute at most.
looks=0
while [ -n "$until" ] && [ ! -e "/var/log/shop/note-$until" ] && [ $((looks += 1)) -le 600 ]; do sleep 0.1; done
[ -n "$half" ] && kill -9 $$
printf '%s for %s %s at %s://%s\n' "$REQUEST_METHOD" "${HTTP_AUTHORIZATION:-nobody}" "$HTTP_COOKIE" "$HTTP_X_FORWARDED_PROTO" "$HTTP_HOST"
