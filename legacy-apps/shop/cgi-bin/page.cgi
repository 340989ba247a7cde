#!/bin/sh
# page.cgi - a page of the shop. What it says of caching stands in its query, as somebody once found practical:
# /page?cc=max-age=60&wait=1&tag=books
value() { printf '%s\n' "$QUERY_STRING" | tr '&' '\n' | sed -n "s/^$1=//p" | head -n 1 | sed 's/%20/ /g; s/%22/"/g'; }
wait=$(value wait) cc=$(value cc) tag=$(value tag) etag=$(value etag) vary=$(value vary) fail=$(value fail)
# The warehouse takes its time.
[ -n "$wait" ] && [ "$REQUEST_METHOD" = GET ] && [ -z "$(value drip)" ] && sleep "$wait"
[ -n "$fail" ] && printf 'Status: %s\r\n' "$fail"
[ -n "$etag" ] && [ "$HTTP_IF_NONE_MATCH" = "\"$etag\"" ] && printf 'Status: 304 Not Modified\r\n'
[ -n "$cc" ] && printf 'Cache-Control: %s\r\n' "$cc"
[ -n "$tag" ] && printf 'Surrogate-Key: %s\r\n' "$tag"
[ -n "$vary" ] && printf 'Vary: %s\r\n' "$vary"
[ -n "$etag" ] && printf 'ETag: "%s"\r\n' "$etag"
[ -n "$(value cookie)" ] && printf 'Set-Cookie: session=%s\r\n' $$
[ -n "$(value half)" ] && printf 'Content-Length: 100000\r\n'
printf 'Content-Type: text/plain\r\n\r\n'
[ -n "$etag" ] && [ "$HTTP_IF_NONE_MATCH" = "\"$etag\"" ] && exit 0
printf 'first line, process %s\n' $$
# A part now, the rest when the warehouse has answered.
[ -n "$(value drip)" ] && sleep "$wait"
[ -n "$(value half)" ] && { sleep 1; kill -9 $$; }
printf '%s for %s %s at %s://%s\n' "$REQUEST_METHOD" "${HTTP_AUTHORIZATION:-nobody}" "$HTTP_COOKIE" "$HTTP_X_FORWARDED_PROTO" "$HTTP_HOST"
