#!/usr/bin/env bash
# Loads a running service with wrk, on this machine, and prints a table: load.sh http://127.0.0.1:PORT [SECONDS]
# The service must take as many requests at a time as there are connections (TUBEATLAS_SERVE_MAX_IN_FLIGHT). It gets
# new videos, so give it a copy of a catalogue. TOKEN is sent if it is set. WORDS is a file of words to search for, one a line
# and two a search; without it they are taken from the titles.
set -euo pipefail
cd "$(dirname "$0")"
url=$1 seconds=${2:-10} folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
auth=(); [ -z "${TOKEN:-}" ] || auth=(-H "Authorization: Bearer $TOKEN")
next="$url/api/v1/videos?limit=200"
for _ in $(seq 50); do # up to 10,000 videos, and the words of their titles
  curl -sSf "${auth[@]}" -D "$folder/head" "$next" > "$folder/page"
  python3 -c '
import json, sys
page, ids, words = (open(sys.argv[1] + name, mode) for name, mode in (("/page", "r"), ("/ids", "a"), ("/words", "a")))
for video in json.load(page)["items"]:
    ids.write(video["id"] + "\n")
    words.writelines(word.lower() + "\n" for word in video["title"].split() if word.isascii() and word.isalpha())
' "$folder"
  link=$(tr -d '\r' < "$folder/head" | sed -n 's/^[Ll]ink: <\([^>]*\)>.*rel="next".*/\1/p')
  [ -n "$link" ] || break
  case $link in http*) next=$link ;; *) next=$url$link ;; esac
done
if [ -n "${WORDS:-}" ]; then
  cp "$WORDS" "$folder/words"
else # what people search for is not in every title
  sort "$folder/words" | uniq -c | awk '$1 <= 5 { print $2 }' > "$folder/rare" && mv "$folder/rare" "$folder/words"
fi
[ -s "$folder/words" ] || { echo "no title has a rare word; give WORDS, a file of words to search for"; exit 1; }
pid=$(ss -Hltnp "sport = :${url##*:}" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -1)
memory() { [ -z "$pid" ] || awk '/VmRSS|VmHWM/ { printf "%s %d MB ", $1, $2 / 1024 }' "/proc/$pid/status"; }
run() { # KIND CONNECTIONS
  wrk -t1 -c"$2" -d"${seconds}s" --timeout 60s "${auth[@]}" -s requests.lua "$url" -- "$1" "$folder/ids" "$folder/words" | tail -n 1
}
export SEED=${SEED:-1}
echo "$(wc -l < "$folder/ids") ids, $(wc -l < "$folder/words") words; wrk with one thread, $seconds s each, seed $SEED; memory of the service: $(memory)"
printf '\n| requests | connections | a second | p50 ms | p99 ms | longest ms | errors |\n| --- | --- | --- | --- | --- | --- | --- |\n'
for connections in 50 500; do
  for kind in get list search write mix; do
    printf '| %s | %s | %s\n' "$kind" "$connections" "$(SEED=$((SEED + connections)) run "$kind" "$connections")"
  done
done
for connections in 50 500; do # reads beside writes
  SEED=$((SEED + 7000 + connections)) run write 8 > "$folder/writes" & writes=$!
  printf '| get, beside writes | %s | %s\n' "$connections" "$(run get "$connections")"
  wait "$writes"
  printf '| those writes | 8 | %s\n' "$(cat "$folder/writes")"
done
printf '\nmemory of the service after it: %s\n' "$(memory)"
