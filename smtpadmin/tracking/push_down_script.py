"""What runs on the server: POSIX sh with grep, tail, head, awk and zcat, nothing else.

The text of the script is constant. What is looked for, and in which files, comes by standard input,
one a line. It prints ``FILE OFFSET LINE`` for every line with the wanted text, and for every line of
a queue ID that these lead to: a superset of the answer, of which the client makes messages.
"""

from __future__ import annotations

OUTER = """\
if command -v timeout >/dev/null 2>&1; then exec nice -n 10 timeout "$2" sh -c "$1" track
else exec nice -n 10 sh -c "$1" track; fi
"""
"""Bounds the time where it can; ``$1`` is the script, ``$2`` seconds."""

_FUNCTIONS = r"""
function own(s,   t) {
    if (kind == "exim") {
        t = s
        while (match(t, /(^| )[0-9A-Za-z]+-[0-9A-Za-z]+-[0-9A-Za-z]+ /)) {
            id = substr(t, RSTART, RLENGTH); gsub(/ /, "", id)
            if (length(id) == 16 || length(id) == 23) return id
            t = substr(t, RSTART + RLENGTH - 1)
        }
        return ""
    }
    if (s ~ / dovecot(\[[0-9]+\])?: lmtp\(/ && match(s, /<[0-9]+><[0-9A-Za-z+\/:]+>: /)) {
        id = substr(s, RSTART, RLENGTH); sub(/^<[0-9]+></, "", id); sub(/>: $/, "", id)
        return is_session(id) ? id : ""
    }
    if (!match(s, /\[[0-9]+\]: [0-9A-Za-z]+: /)) return ""
    id = substr(s, RSTART, RLENGTH); sub(/^\[[0-9]+\]: /, "", id); sub(/: $/, "", id)
    return id == "NOQUEUE" || length(id) < 6 || length(id) > 20 ? "" : id
}
function is_session(id) { return kind != "exim" && length(id) > 21 }
function last_word(s) { sub(/.*[ =]/, "", s); return s }
function named(s) {
    if (kind == "exim") {
        if (s ~ / <= / && match(s, / R=[0-9A-Za-z]+-[0-9A-Za-z]+-[0-9A-Za-z]+/)) return last_word(substr(s, RSTART, RLENGTH))
        if (s ~ /\[(127\.|::1)/ && match(s, / id=[0-9A-Za-z]+-[0-9A-Za-z]+-[0-9A-Za-z]+/)) return last_word(substr(s, RSTART, RLENGTH))
        return ""
    }
    if (match(s, / notification: [0-9A-Za-z]+/) || match(s, /forwarded as [0-9A-Za-z]+/) || match(s, / orig_(queue_)?id=[0-9A-Za-z]+/)) return last_word(substr(s, RSTART, RLENGTH))
    if (s ~ /relay=(localhost|[^,]*\[(127\.|::1|\/|private))/ && match(s, /queued as [0-9A-Za-z]+/)) return last_word(substr(s, RSTART, RLENGTH))
    if (s ~ /\/lmtp\[[0-9]+\]: / && match(s, / [0-9A-Za-z+\/:]+ Saved\)/)) {
        id = substr(s, RSTART + 1, RLENGTH - 8)
        return is_session(id) ? id : ""
    }
    return ""
}
function ends(s) { return kind == "exim" ? s ~ / Completed/ : s ~ /: (removed|requeued|canceled)/ }
function begins(s) { return kind == "exim" ? s ~ / <= / : s ~ /: (client|uid)=/ }
{ at = index($0, ":"); place = substr($0, 1, at - 1); line = substr($0, at + 1) }
"""

PLAN = (
    _FUNCTIONS
    + r"""
{
    o = own(line); n = named(line); N++
    owner[N] = o; name[N] = n; where[N] = place
    if (hits > 0 && N <= hits && o != "" && !is_session(o)) seed[o] = 1
    if (o != "" && !is_session(o) && !((place, o) in seen)) {
        seen[place, o] = 1; place += 0
        if (!(o in first) || place < first[o]) { first[o] = place; starts[o] = begins(line) }
        if (!(o in last) || place >= last[o]) { last[o] = place; stops[o] = ends(line) }
        over[o] += ends(line); births[o] += begins(line)
    }
    if (line ~ /notification: |forwarded as /) { births[n]++; made[n] = 1 }
}
END {
    for (id in seed) inside[id] = 1
    do {
        grown = 0
        for (i = 1; i <= N; i++) {
            o = owner[i]; n = name[i]
            if (o == "" || n == "") continue
            if ((o in inside) && !(n in inside)) { inside[n] = 1; grown = 1 }
            if ((n in inside) && !(o in inside)) { inside[o] = 1; grown = 1 }
        }
    } while (grown)
    for (i = 1; i <= N; i++) {
        if (owner[i] in inside && index(done, "|" owner[i] "|") == 0) { fresh[owner[i]] = 1; print "W", where[i] }
        if (name[i] in inside && index(done, "|" name[i] "|") == 0) { fresh[name[i]] = 1; print "W", where[i] }
    }
    for (id in fresh) if (id != "") print "I", id
    for (id in inside) if (id != "" && !is_session(id) && index(done, "|" id "|")) {
        if ((!stops[id] || births[id] > over[id]) && index(forward, "|" id "|") == 0) print "O", id, (id in last ? last[id] : 0)
        if (!((starts[id] || (id in made)) && births[id] >= over[id]) && index(backward, "|" id "|") == 0) print "B", id, (id in first ? first[id] : 0)
    }
}
"""
)
"""From all lines so far: new IDs (I), places to look around (W), IDs without an end (O) or birth (B)."""

MERGE = r"""
$1 == "W" {
    start = $2 - reach; if (start < 0) start = 0
    if (n && start <= stop) { stop = $2 + reach; next }
    if (n) print begin, stop - begin
    begin = start; stop = $2 + reach; n++
}
END { if (n) print begin, stop - begin }
"""

SILENT = (
    _FUNCTIONS
    + r"""
{ heard[own(line)] = 1 }
END {
    count = split(ids, each, "|")
    for (i = 1; i <= count; i++) if (each[i] != "" && !(each[i] in heard)) printf "%s%s", n++ ? "|" : "", each[i]
}
"""
)
"""Of some IDs those that have no line in a file: what they wait for lies in the one beyond it."""

SHIFTED = r"""
{ at = index($0, ":"); place = substr($0, 1, at - 1); line = substr($0, at + 1) }
start > 0 && place == 0 { next }
size > 0 && place + length(line) >= size { next }
{ printf "%.0f:%s\n", place + start, line }
"""

PLAIN_GREP = r"""
{ text = tolower($0) }
wanted != "" && index(text, wanted) { printf "%.0f:%s\n", place, $0 }
{ place += length($0) + 1 }
"""

BODY = (
    "LC_ALL=C; export LC_ALL\n"
    f"PLAN='{PLAN}'\nMERGE='{MERGE}'\nSILENT='{SILENT}'\nSHIFTED='{SHIFTED}'\nPLAIN='{PLAIN_GREP}'\n"
    + r"""
IFS= read -r kind; IFS= read -r most; IFS= read -r needle
bytes=$(printf 'x\n' | grep -abF x 2>/dev/null)
number=-1; open=; unborn=
text() {
    case $file in
    *.gz) zcat -- "$file" ;; *.xz) xz -dc -- "$file" ;; *.bz2) bzip2 -dc -- "$file" ;; *.zst) zstd -dcq -- "$file" ;;
    *) if [ "${1:-0}" -gt 0 ]; then tail -c "+$(($1 + 1))" -- "$file"; else cat -- "$file"; fi ;;
    esac
}
matching() {
    escaped=$(printf '%s\n' "$1" | awk '{ gsub(/[+]/, "[+]"); print }')
    if [ "$bytes" = "0:x" ]; then grep -abE -e "$escaped"
    else awk -v pattern="$escaped" '$0 ~ pattern { printf "%.0f:%s\n", place, $0 } { place += length($0) + 1 }'; fi
}
hits() {
    if [ "$bytes" = "0:x" ]; then printf '%s\n' "$needle" | grep -abiF -f - -- "$file"
    else WANTED=$needle awk 'BEGIN { wanted = tolower(ENVIRON["WANTED"]) }'"$PLAIN" "$file"; fi
}
packed_hits() {
    if [ "$bytes" = "0:x" ]; then text | grep -abiF -e "$needle"
    else text | WANTED=$needle awk 'BEGIN { wanted = tolower(ENVIRON["WANTED"]) }'"$PLAIN"; fi
}
add() { all="$all
$1"; }
around() {
    pattern=$1
    if [ "$whole" = 1 ]; then found=$(text | matching "$pattern")
    else found=$(printf '%s\n' "$plan" | grep '^W ' | sort -k2n -u | awk -v reach=524288 "$MERGE" | while read -r start size; do
        [ "$start" -gt 0 ] && start=$((start - 1)) && size=$((size + 1))
        text "$start" | head -c "$size" | matching "$pattern" | awk -v start="$start" -v size="$size" "$SHIFTED"
    done); fi
    [ -n "$found" ] && add "$found"
}
settle() {
    while :; do
        plan=$(printf '%s\n' "$all" | grep . | awk -v kind="$kind" -v hits="$count" -v done="$known" -v forward="$forward" -v backward="$backward" "$PLAN")
        fresh=$(printf '%s\n' "$plan" | awk '$1 == "I" { printf "%s%s", n++ ? "|" : "", $2 }')
        if [ -n "$fresh" ]; then known="$known$fresh|"; around "$fresh"; continue; fi
        [ "$whole" = 1 ] && break
        ids=$(printf '%s\n' "$plan" | awk '$1 == "O" { printf "%s%s", n++ ? "|" : "", $2 }')
        if [ -n "$ids" ]; then
            forward="$forward$ids|"
            start=$(printf '%s\n' "$plan" | awk '$1 == "O" { if (!n++ || $3 < low) low = $3 } END { printf "%.0f", low }')
            found=$(text "$start" | matching "$ids" | awk -v start="$start" '{ at = index($0, ":"); printf "%.0f:%s\n", substr($0, 1, at - 1) + start, substr($0, at + 1) }')
            add "$found"; continue
        fi
        ids=$(printf '%s\n' "$plan" | awk '$1 == "B" { printf "%s%s", n++ ? "|" : "", $2 }')
        [ -n "$ids" ] || break
        backward="$backward$ids|"
        stop=$(printf '%s\n' "$plan" | awk '$1 == "B" { if ($3 > high) high = $3 } END { printf "%.0f", high }')
        found=$(head -c "$stop" -- "$file" | matching "$ids")
        [ -n "$found" ] && add "$found"
    done
}
visit() {
    known="|"; forward="|"; backward="|"
    case $file in *.gz | *.xz | *.bz2 | *.zst) whole=1 ;; *) whole=0 ;; esac
    count=$(printf '%s\n' "$all" | grep -c .)
    [ "$count" -gt 400 ] && whole=1
    open=; unborn=
    [ "$count" -gt 0 ] || return
    settle
    printf '%s\n' "$all" | grep . | awk -v number="$number" '{ at = index($0, ":"); print number, substr($0, 1, at - 1), substr($0, at + 1) }'
    plan=$(printf '%s\n' "$all" | grep . | awk -v kind="$kind" -v hits="$count" -v done="$known" -v forward="|" -v backward="|" "$PLAN")
    open=$(printf '%s\n' "$plan" | awk '$1 == "O" { printf "%s%s", n++ ? "|" : "", $2 }')
    unborn=$(printf '%s\n' "$plan" | awk '$1 == "B" { printf "%s%s", n++ ? "|" : "", $2 }')
}
wait_on() {
    waiting=$2
    [ -n "$1" ] || return 0
    silent=$(printf '%s\n' "$all" | grep . | awk -v kind="$kind" -v ids="$1" "$SILENT")
    waiting=$2${2:+${silent:+|}}$silent
}
carried() {
    all=
    [ -n "$1" ] && all=$(text | matching "$1")
}
number=-1
set --
while IFS= read -r file; do set -- "$@" "$file"; done
{
for file do
    number=$((number + 1))
    [ -r "$file" ] || { printf '%s - cannot be read\n' "$number"; continue; }
    carried "$open"
    case $file in *.gz | *.xz | *.bz2 | *.zst) found=$(packed_hits) ;; *) found=$(hits) ;; esac
    [ -n "$found" ] && add "$found"
    before=$open
    visit
    wait_on "$before" "$open"; open=$waiting
    eval "unborn_$number=\$unborn"
done
while [ "$number" -gt 0 ]; do
    eval "ids=\$unborn_$number; file=\${$number}"
    number=$((number - 1))
    [ -n "$ids" ] && [ -r "$file" ] || continue
    before=$ids
    carried "$ids"; visit
    wait_on "$before" "$unborn"; unborn=$waiting
    eval "unborn_$number=\$unborn_$number\${unborn:+\${unborn_$number:+|}\$unborn}"
    [ -n "$open" ] || continue
    number=$((number + 1)); eval "file=\${$((number + 1))}"
    carried "$open"; visit
    number=$((number - 1))
done
} | head -c "$most"
"""
)
"""Reads the kind of log, the most octets to print, the wanted text, and then the files, oldest first."""
