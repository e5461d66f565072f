#!/usr/bin/env bash
# Counts the lines of Go, shell and Markdown that are over 120 columns, and fails where there are more than there were.
# With -l it lists them. A tab is four columns, and an address one, as is where a link in Markdown leads to. What cannot
# be wrapped is not counted: rows of tables, and what a document shows as printed, which is compared byte for byte. Nor
# is docs/api.md, which is made from lines that are.
set -euo pipefail
export LC_ALL=C # so that all kinds of awk see bytes
declare -A allowed=([go]=54 [sh]=0 [md]=0) # to be lowered when there are fewer

long() { # long KIND: where they are
	# shellcheck disable=SC2016 # awk's own.
	find . -name "*.$1" -not -path './build/*' -not -path ./docs/api.md -print0 | sort -z | xargs -0 awk -v kind="$1" '
		FNR == 1 { block = "" } # the fence of the block of Markdown that it is in
		kind == "md" && /^ *```/ { block = (block == "" ? $0 : "") }
		block == "" && kind == "md" && /^ *\|/ { next }
		block ~ /^ *```[a-z]+ output:/ { next }
		block ~ /^ *```console/ && !/^ *\$ / { next }
		block ~ /^ *```pycon/ && !/^ *(>>>|\.\.\.) / { next }
		{
			line = $0
			if (kind == "md") gsub(/\]\([^)]*\)/, "]", line)
			gsub(/https?:\/\/[^ )>`"]*/, "_", line)
			gsub(/\t/, "    ", line)
			gsub(/[\200-\277]/, "", line) # all bytes of a character but the first
		}
		length(line) > 120 { print FILENAME ":" FNR ": " $0 }'
}

wrong=
for kind in go sh md; do
	found=$(long "$kind")
	[[ ${1:-} != -l || -z $found ]] || echo "$found"
	count=$(grep -c . <<<"$found" || true)
	if ((count > allowed[$kind])); then
		echo "columns: $count lines of .$kind are over 120 columns, ${allowed[$kind]} were: $0 -l lists them" >&2
		wrong=yes
	elif ((count < allowed[$kind])); then
		echo "columns: lower the ${allowed[$kind]} of $kind in $0: there are $count"
	fi
done
[[ -z $wrong ]]
