#!/usr/bin/env bash
# Writes the policies of bootstrap/policies/ to the server that VAULT_ADDR and VAULT_TOKEN name.
set -euo pipefail
export LC_ALL=C # so that a-z is ASCII alone

usage() {
	cat <<'TEXT'
usage: scripts/policies.sh [-m MOUNT] [-p PREFIX] [-c ACCESSOR:KEY] [-n | -o DIR] [POLICY...]

  -m MOUNT   path at which the engine is mounted (apikeys)
  -p PREFIX  what the policies' names begin with on the server (apikeys-)
  -c A:K     the claim that names tenants, as in config tenant_claims, for variants/app-by-claim
  -n         show what would be written, and ask no server
  -o DIR     write the policies as files into the directory DIR, and ask no server
  POLICY     a file of bootstrap/policies/ without .hcl, as monitor or variants/app-by-group; all but the variants if
             none is named

A policy of that name that was not written by this script for this mount is never overwritten.
TEXT
}

refuse() { # refuse MESSAGE...: a slip of the caller's
	echo "policies: $*" >&2
	exit 2
}

fail() { # fail MESSAGE...
	echo "policies: $*" >&2
	exit 1
}

from=$(cd "$(dirname "${BASH_SOURCE[0]}")/../bootstrap/policies" && pwd)
mount=apikeys prefix=apikeys- claim= show= dir= given=

while getopts ':m:p:c:o:nh' option; do
	case $option in
	h) usage && exit ;;
	:) refuse "-$OPTARG needs a value; -h shows how" ;;
	\?) refuse "there is no -$OPTARG; -h shows what there is" ;;
	esac
	[[ $given != *$option* ]] || refuse "-$option is given twice"
	given+=$option
	case $option in
	m) mount=$OPTARG ;;
	p) prefix=$OPTARG ;;
	c) claim=$OPTARG ;;
	n) show=yes ;;
	o) dir=$OPTARG && [[ -n $dir ]] || refuse "-o: name a directory" ;;
	esac
done
shift $((OPTIND - 1))
[[ -z $show || -z $dir ]] || refuse "-n and -o exclude each other"

# What a path of a policy could take for a pattern or a template has to stay out, as has what ends the text it stands
# in.
mount=${mount%/} # as the server lists it
segment='[A-Za-z0-9_][A-Za-z0-9._-]*'
[[ $mount =~ ^$segment(/$segment)*$ ]] ||
	refuse "-m: '$mount' is no path of a mount: it has letters, digits, '.', '_' and '-', and slashes between," \
		"as team/apikeys"
case $mount/ in
sys/* | auth/* | identity/* | cubbyhole/* | audit/*) refuse "-m: '$mount' is the server's own" ;;
esac
[[ $prefix =~ ^[a-z0-9][a-z0-9._-]*-$ ]] ||
	refuse "-p: '$prefix' is no prefix: it has lower-case letters, digits, '.', '_' and '-', and ends in '-'," \
		"as apikeys-"
[[ $given != *c* || $claim =~ ^[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$ ]] ||
	refuse "-c: '$claim' is no claim: it is accessor:key of letters, digits, '_' and '-', as auth_jwt_1a2b3c4d:tenant"

policies=("$@")
if ((${#policies[@]} == 0)); then
	for file in "$from"/*.hcl; do
		file=${file##*/}
		policies+=("${file%.hcl}")
	done
fi

# All is made before any of it goes anywhere.
names=() marks=() texts=() seen=" "
# Whatever else a file may hold, nobody has taught this script to rewrite.
known='^(#.*|path "apikeys/[^" ]+" \{|  [a-z_]+ += [^/]+|\}|)$'
for policy in "${policies[@]}"; do
	[[ $policy =~ ^(variants/)?[a-z-]+$ && -f $from/$policy.hcl ]] ||
		refuse "there is no policy '$policy': bootstrap/policies/ has what there is"
	name=$prefix${policy##*/}
	[[ $seen != *" $name "* ]] || refuse "'$policy' is named twice"
	seen+="$name "
	mark="# $name for $mount/, written by scripts/policies.sh."
	text=$mark
	while IFS= read -r line || [[ -n $line ]]; do
		[[ $line =~ $known ]] || fail "$from/$policy.hcl cannot be rewritten for another mount: $line"
		[[ $line != *.ACCESSOR.metadata.KEY}}* || -n $claim ]] ||
			refuse "'$policy' needs -c: which claim names tenants, as config tenant_claims has it"
		line=${line/.ACCESSOR.metadata.KEY\}\}/.${claim%%:*}.metadata.${claim#*:}\}\}}
		text+=$'\n'${line/#path \"apikeys\//path \"$mount/}
	done <"$from/$policy.hcl"
	names+=("$name") marks+=("$mark") texts+=("$text")
done

if [[ -n $show ]]; then
	for i in "${!names[@]}"; do
		printf "vault policy write %s - <<'EOF'\n%s\nEOF\n" "${names[i]}" "${texts[i]}"
	done
	exit
fi
if [[ -n $dir ]]; then
	[[ -d $dir ]] || refuse "-o: there is no directory '$dir'"
	for i in "${!names[@]}"; do
		printf '%s\n' "${texts[i]}" >"$dir/${names[i]}.hcl"
	done
	exit
fi

cli=${VAULT_BIN:-${BAO_BIN:-}}
if [[ -z $cli ]]; then
	cli=$(command -v vault || command -v bao) ||
		fail "neither vault nor bao is on PATH; VAULT_BIN or BAO_BIN may name one, and -n needs none"
fi

there=$("$cli" policy list -format=table) ||
	fail "which policies there are cannot be told: check VAULT_ADDR, and that VAULT_TOKEN may list them"
for i in "${!names[@]}"; do
	name=${names[i]}
	[[ $'\n'$there$'\n' == *$'\n'"$name"$'\n'* ]] || continue
	text=$("$cli" policy read -format=table "$name") || fail "$name is there and cannot be read: nothing was written"
	[[ ${text%%$'\n'*} == "${marks[i]}" ]] ||
		fail "$name is there, and was not written by this script for $mount/: nothing was written." \
			"Take another prefix with -p, or delete it"
done
for i in "${!names[@]}"; do
	"$cli" policy write "${names[i]}" - <<<"${texts[i]}" >/dev/null ||
		fail "${names[i]} was not written: those named above were; run this again"
	echo "${names[i]}"
done
