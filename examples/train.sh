#!/usr/bin/env bash
# Trains a project, and fetches one file of its model, by curl and jq: train.sh FOLDER FILE [PARAMETERS]
set -euo pipefail
base=${BASE:-http://localhost:8080} work=$(mktemp -d) last=0
trap 'rm -rf "$work"' EXIT
tar -czf "$work/code.tar.gz" -C "$1" .
# Sent again as often as need be: the key makes it one job.
job=$(curl -sSf --retry 5 --retry-all-errors -H "Idempotency-Key: $(uname -n)-$$-$(date +%s)" \
  -F project=@"$work/code.tar.gz" -F parameters="${3:-"{}"}" "$base/jobs" | jq -r .id)
# The log, resumed where it was cut (after CUT seconds), until the event that says that the job has ended.
until [ "$last" = end ]; do
  curl -sSN ${CUT:+-m "$CUT"} -H 'Accept: text/event-stream' -H "Last-Event-ID: $last" "$base/jobs/$job/logs" \
    >"$work/events" 2>/dev/null || true
  # An event is whole when an empty line is behind it.
  awk '/^id: /{id=$2} /^data: /{data=substr($0,7)} /^event: /{event=$2} /^$/{if (event=="log") print data; if (event) last=event=="end"?"end":id; event=""} END{print last > "/dev/stderr"}' \
    "$work/events" 2>"$work/last" | jq -j .text
  last=$(grep . "$work/last" || echo "$last")
done
# The job as it ended: with the ETag of the one that is known, the answer comes when there is another.
until [ "$(jq .terminal "$work/job" 2>/dev/null)" = true ]; do
  curl -sSf --etag-compare "$work/etag" --etag-save "$work/etag" -o "$work/job" "$base/jobs/$job?wait=30"
done
jq -r '"\(.id) \(.status)"' "$work/job" && curl -sSfO "$base/jobs/$job/model/files/$2"
